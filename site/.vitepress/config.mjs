import { readFileSync } from 'node:fs'
import { defineConfig } from 'vitepress'

/** The list of all pages, which is written once: the chapters, and a line for each page. */
const list = readFileSync(new URL('../../docs/README.md', import.meta.url), 'utf8')
const chapters = list.split(/^## /m).slice(1)

/** Where the site has a page that is named from `docs/`. @param {string} path */
const place = (path) => new URL(path, 'https://site.invalid/docs/').pathname.replace(/(?:README)?\.md$/, '')

const sidebar = chapters.map((chapter) => {
  const [text = ''] = chapter.split('\n', 1)
  const items = [...chapter.matchAll(/^- \[([^\]]+)\]\(([^)#]+)\)/gm)].map(([, name = '', path = '']) => ({
    text: name.replaceAll('`', ''),
    link: place(path),
  }))
  return { text, items, collapsed: false }
})

export default defineConfig({
  title: 'llm-refresh',
  description: 'An LLM call that survives an expired token',
  srcDir: 'pages',
  outDir: 'dist',
  cleanUrls: true,
  // README.md is what a folder shows.
  rewrites: (path) => path.replace(/(^|\/)README\.md$/, '$1index.md'),
  // A link that leads nowhere ends the build. Those to programs are copied beside the pages.
  ignoreDeadLinks: false,
  // The pages show templates of other languages (`{{ }}`), which are text here.
  markdown: {
    config: (markdown) =>
      void (markdown.renderer.rules['text'] = (tokens, at) => escape(tokens[at]?.content ?? '')),
  },
  themeConfig: {
    sidebar: [...sidebar, { text: 'API reference', link: '/api/' }],
    outline: [2, 3],
    search: { provider: 'local' },
    footer: { message: 'Each page is there as Markdown, too: add .md to its address. llms.txt lists them.' },
  },
})

/** @param {string} text */
function escape(text) {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return escaped.replaceAll('{{', '&#123;&#123;').replaceAll('}}', '&#125;&#125;')
}

import { type Client, SAID, UNUSED } from './client.ts'

export const google: Client = {
  name: 'Google Gen AI',
  server: 'llm',
  takes: 'fetch',
  package: '@google/genai',
  option: "new GoogleGenAI({ apiKey: 'unused', httpOptions: { fetch } })",
  calls: { generateContent: SAID },
  streams: ['generateContentStream'],
  // The client always sends a key. Google rejects a request with an invalid key, even if its token is valid.
  apply: (token) => ({ authorization: `Bearer ${token}`, 'x-goog-api-key': undefined }),
  async build({ url, fetch }) {
    const { GoogleGenAI, ApiError } = await import('@google/genai')
    const client = new GoogleGenAI({
      apiKey: UNUSED,
      httpOptions: { baseUrl: url, apiVersion: 'v1beta', fetch },
    })
    const request = { model: 'gemini-2.5-flash', contents: 'Hello?' }
    return {
      calls: {
        generateContent: async () => (await client.models.generateContent(request)).text ?? '',
      },
      streams: {
        async *generateContentStream() {
          for await (const { text } of await client.models.generateContentStream(request)) yield text ?? ''
        },
      },
      isRefusal: (error) => error instanceof ApiError && error.status === 401,
      isBroken: (error) => error instanceof ApiError,
    }
  },
}

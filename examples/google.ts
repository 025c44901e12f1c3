import { GoogleGenAI } from '@google/genai'
import { fetch } from './credential.ts' // llm-refresh

const ai = new GoogleGenAI({ httpOptions: { fetch } }) // llm-refresh

const response = await ai.models.generateContent({
  model: 'gemini-2.5-flash',
  contents: 'Why is the sky blue?',
})
console.log(response.text)

/** A test API in its own process, so that it shares no thread with the measured code. It prints its origin. */
import { createServer } from 'node:http'

const answer = JSON.stringify({
  id: '1',
  choices: [{ message: { role: 'assistant', content: 'word '.repeat(200) } }],
})

const server = createServer((request, response) => {
  request.resume()
  request.on('end', () => {
    const isAccepted = request.headers.authorization === 'Bearer token'
    response.writeHead(isAccepted ? 200 : 401, {
      'content-type': 'application/json',
      'content-length': answer.length,
    })
    response.end(answer)
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  console.log(`http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`)
})
process.on('disconnect', () => process.exit())

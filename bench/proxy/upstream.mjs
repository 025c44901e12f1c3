// The API behind the measured proxy. It is as cheap as Node can make it. It prints its port.
// GET /v1/x: responds with 1 KB. POST: responds with 1 KB once the body has arrived. GET /v1/stream: sends one chunk at once, and another one
// for each byte that arrives on a connection that began with "nudge".
import { createServer } from 'node:net'

const body = JSON.stringify({ text: 'word '.repeat(200) })
const whole = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
const event = `data: {"delta":"word"}\n\n`
const chunk = `${event.length.toString(16)}\r\n${event}\r\n`
const begun = `HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`
let stream

const server = createServer({ noDelay: true }, (socket) => {
  /** The bytes of the body that have not arrived yet. */
  let missing = 0
  let isNudge = false
  socket.on('error', () => socket.destroy())
  socket.on('data', (data) => {
    if (isNudge) return void stream?.write(chunk)
    if (missing > 0) {
      missing -= data.length
      if (missing <= 0) socket.write(whole)
      return
    }
    const text = data.latin1Slice()
    if (text.startsWith('nudge')) {
      isNudge = true
      // The first byte may arrive together with the word.
      if (data.length > 'nudge'.length) stream?.write(chunk)
    } else if (text.startsWith('GET /v1/stream')) {
      stream = socket
      socket.write(begun)
    } else {
      const head = text.indexOf('\r\n\r\n') + 4
      const length = text.startsWith('POST') ? Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1]) : 0
      missing = length - (data.length - head)
      if (missing <= 0) socket.write(whole)
    }
  })
})
server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () => console.log(server.address().port))
process.on('disconnect', () => process.exit())

"""Calls of the Anthropic package, which knows nothing but its two variables. Each prints a line: what it said, or its error."""
import asyncio, sys
import anthropic
from told import tell, tell_async

REQUEST = dict(model="claude-sonnet-5", max_tokens=64, messages=[{"role": "user", "content": "Say hello."}])
client = anthropic.Anthropic()


def message(given=client):
    return given.messages.create(**REQUEST).content[0].text


def stream():
    with client.messages.stream(**REQUEST) as events:
        return "".join(events.text_stream)


def raw():
    return client.messages.with_raw_response.create(**REQUEST).parse().content[0].text


async def main():
    asynchronous = anthropic.AsyncAnthropic()

    async def amessage():
        return (await asynchronous.messages.create(**REQUEST)).content[0].text

    async def astream():
        async with asynchronous.messages.stream(**REQUEST) as events:
            return "".join([text async for text in events.text_stream])

    for _ in range(int(sys.argv[1])):
        for call in (message, stream, raw):
            tell("served", call)
        for call in (amessage, astream):
            await tell_async("served", call)
    tell("dead", message)
    tell("dead", stream)
    await tell_async("dead", amessage)
    tell("wrong", lambda: message(anthropic.Anthropic(api_key="wrong")))


asyncio.run(main())

"""Calls of Google's package, which knows nothing but its variables. Each prints a line: what it said, or its error."""
import asyncio, sys
from google import genai
from told import tell, tell_async

REQUEST = dict(model="gemini-3-pro", contents="Say hello.")
client = genai.Client()


def generate(given=client):
    return given.models.generate_content(**REQUEST).text


def stream():
    return "".join(chunk.text or "" for chunk in client.models.generate_content_stream(**REQUEST))


async def main():
    async def agenerate():
        return (await client.aio.models.generate_content(**REQUEST)).text

    async def astream():
        return "".join([chunk.text or "" async for chunk in await client.aio.models.generate_content_stream(**REQUEST)])

    for _ in range(int(sys.argv[1])):
        for call in (generate, stream):
            tell("served", call)
        for call in (agenerate, astream):
            await tell_async("served", call)
    tell("dead", generate)
    tell("dead", stream)
    await tell_async("dead", agenerate)
    tell("wrong", lambda: generate(genai.Client(api_key="wrong")))


asyncio.run(main())

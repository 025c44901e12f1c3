"""Calls of the OpenAI package, which knows nothing but its two variables. Each prints a line: what it said, or its error."""
import asyncio, sys
import openai
from told import tell, tell_async

MODEL, MESSAGES = "gpt-5", [{"role": "user", "content": "Say hello."}]
FILE = b"one\ntwo\n" * 1000
client = openai.OpenAI()


def chat(given=client):
    return given.chat.completions.create(model=MODEL, messages=MESSAGES).choices[0].message.content


def stream(given=client):
    chunks = given.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def raw():
    response = client.chat.completions.with_raw_response.create(model=MODEL, messages=MESSAGES)
    return response.parse().choices[0].message.content


def upload():
    return str(client.files.create(file=("lines.txt", FILE), purpose="user_data").bytes == len(FILE))


async def main():
    asynchronous = openai.AsyncOpenAI()

    async def achat():
        completion = await asynchronous.chat.completions.create(model=MODEL, messages=MESSAGES)
        return completion.choices[0].message.content

    async def astream():
        chunks = await asynchronous.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in chunks if chunk.choices])

    for _ in range(int(sys.argv[1])):
        for call in (chat, stream, raw, upload):
            tell("served", call)
        for call in (achat, astream):
            await tell_async("served", call)
    tell("dead", chat)
    tell("dead", stream)
    await tell_async("dead", achat)
    tell("wrong", lambda: chat(openai.OpenAI(api_key="wrong")))


asyncio.run(main())

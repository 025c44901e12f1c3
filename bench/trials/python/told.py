"""What a call came to, as a line of JSON."""
import json


def told(when, name, **how):
    print(json.dumps({"when": when, "call": name, **how}), flush=True)


def failed(when, name, error):
    told(when, name, error=type(error).__name__, message=str(error))


def tell(when, call):
    try:
        told(when, call.__name__, said=call())
    except Exception as error:
        failed(when, call.__name__, error)


async def tell_async(when, call):
    try:
        told(when, call.__name__, said=await call())
    except Exception as error:
        failed(when, call.__name__, error)

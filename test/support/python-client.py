# In:    a URL, an address and a port to connect to instead of those it has, and what to ask for, as JSON.
# Out:   what a client of Python's websockets saw, as one line of JSON.
# Never: decides what is right.

import asyncio
import hashlib
import json
import sys

import websockets


def payload(wish):
    """A text as it is, a number as so many octets, a list as the fragments of one message."""
    if isinstance(wish, list):
        return [payload(each) for each in wish]
    return bytes(i % 251 for i in range(wish)) if isinstance(wish, int) else wish


def shown(message):
    if isinstance(message, str):
        return message
    return {"octets": len(message), "sha256": hashlib.sha256(message).hexdigest()}


async def main(url, port, wish):
    options = {key: wish[key] for key in ("origin", "subprotocols") if key in wish}
    connection = websockets.connect(
        url, host="127.0.0.1", port=port, compression=wish.get("compression"), max_size=None, open_timeout=60, **options
    )
    try:
        client = await connection
    except websockets.exceptions.InvalidHandshake as error:
        # InvalidStatusCode up to version 13, InvalidStatus after it.
        response = getattr(error, "response", error)
        return {"refused": response.status_code}
    answers = []
    for each in wish.get("messages", []):
        await client.send(payload(each))
        answers.append(shown(await client.recv()))
    await (await client.ping())
    if "close" in wish:
        await client.close(*wish["close"])
    else:
        await client.send("close")
        await client.wait_closed()
    # Version 14 has them elsewhere.
    extensions = client.extensions if hasattr(client, "extensions") else client.protocol.extensions
    return {
        "subprotocol": client.subprotocol,
        "extensions": [extension.name for extension in extensions],
        "answers": answers,
        "close": [client.close_code, client.close_reason],
    }


print(json.dumps(asyncio.run(main(sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])))))

"""A module node in plain Python, without an SDK: pyzmq, and protobuf by hand. It tells how many bytes each of its inputs has.

`TUTTI_MODULE=sizes TUTTI_CONTROL=tcp://127.0.0.1:7400 python3 minimal_node.py` plays the module `sizes`, whose output is `json`.
"""
import json, os, re, time, uuid, zmq

MODULE, CONTROL = os.environ.get("TUTTI_MODULE", "sizes"), os.environ.get("TUTTI_CONTROL", "tcp://127.0.0.1:7400")
INSTANCE, TOKEN = os.environ.get("TUTTI_INSTANCE", f"{MODULE}-minimal"), os.environ.get("TUTTI_TOKEN", "")
FINAL = ("protocol_version", "unknown_module", "wrong_output_type", "replaced", "unauthorized")
IDLE, ACCEPTED, SUCCEEDED, TERMINATE = 3, 1, 8, 4

def varint(n):
    return bytes([n]) if n < 128 else bytes([n & 127 | 128]) + varint(n >> 7)

def encode(**fields):  # f3=5: field 3 is a whole number, a text, bytes, or a list of them
    out = b""
    for name, values in fields.items():
        for value in values if isinstance(values, list) else [values]:
            tag, data = int(name[1:]) << 3, value.encode() if isinstance(value, str) else value
            out += varint(tag) + varint(data) if isinstance(data, int) else varint(tag | 2) + varint(len(data)) + data
    return out

def number(data, at):
    rest, end = (0, at + 1) if data[at] < 128 else number(data, at + 1)
    return data[at] & 127 | rest << 7, end

def decode(data, at=0):  # the values of each field: whole numbers, or bytes
    fields = {}
    while at < len(data):
        tag, at = number(data, at)
        value, at = number(data, at) if tag & 7 in (0, 2) else ({1: 8, 5: 4}[tag & 7], at)
        if tag & 7:
            value, at = data[at:at + value], at + value
        fields.setdefault(tag >> 3, []).append(value)
    return fields

context = zmq.Context.instance()
dealer, pub = context.socket(zmq.DEALER), context.socket(zmq.PUB)
dealer.linger = pub.linger = 500
dealer.connect(CONTROL)
hello = dict(f1=MODULE, f2=INSTANCE, f3=str(uuid.uuid4()), f8=IDLE, f10=TOKEN)
node_id, incarnation, beat_s, beat_at, ends = "", 0, 0.5, 0.0, False
owed = {}  # execution_id -> [lease, output, when it goes (again), how long until the time after that]
while not ends:
    say, frame = [], dealer.recv() if dealer.poll(50) else b""
    now = time.monotonic()
    try:
        for kind, told in [(kind, decode(body[0])) for each in decode(frame).get(4, []) for kind, body in decode(each).items()]:
            values = [told.get(field, [b""])[0] for field in range(6)]
            text = [each.decode(errors="replace") if isinstance(each, bytes) else "" for each in values]
            if kind == 1:  # Welcome: from now on there are heartbeats instead of hellos, and what is owed goes again
                node_id, incarnation, beat_s, beat_at = text[1], told.get(2, [0])[0], told[3][0] / 1000, now
                pub.connect(text[5].replace("*", re.match(r"tcp://(.*):", CONTROL)[1]))
                owed = {each: [*kept[:2], now, 1] for each, kept in owed.items() if each.encode() not in told.get(11, [])}
            elif kind == 2 and text[1] in FINAL:
                raise SystemExit(f"refused: {text[2]}")
            elif kind == 2 and text[1] in ("say_hello", "stale_incarnation"):
                node_id, incarnation, beat_s, beat_at = "", 0, 0.5, now + 0.25
            elif kind == 2 and text[1] in ("unknown_execution", "stale_execution", "bad_payload", "too_large"):
                owed.pop(text[5], None)
            elif kind in (3, 4):  # A command: what this node does is done at once, so that there is nothing to start or to stop
                say += [encode(f5=encode(f1=text[1], f2=text[3] if kind == 4 else "", f3=1)), *[encode(f3=encode(f1=IDLE))] * (kind == 3)]
                ends = ends or kind == 3 and told[2][0] == TERMINATE
            elif kind == 5:  # Assign
                inputs = {each[1][0].decode(): len(each[3][0]) if 3 in each else decode(each[4][0])[2][0] for each in map(decode, told.get(7, []))}
                owed.setdefault(text[1], [text[2], encode(f1=text[1], f2=text[2], f3=1, f4=1, f5="json", f6=json.dumps(inputs)), now, 1])
                say.append(encode(f4=encode(f1=text[1], f2=text[2], f3=ACCEPTED)))
            elif kind == 6:  # OutputAcks
                [owed.pop(ack[1][0].decode(), None) for ack in map(decode, told.get(1, [])) if 3 in ack]
    except (LookupError, ValueError, TypeError, RecursionError) as error:
        print(f"ignored an unreadable message: {error!r}", flush=True)
    if now >= beat_at:
        beat_at, held = now + beat_s, [encode(f1=each, f2=kept[0], f3=SUCCEEDED) for each, kept in owed.items()]
        say = [*say, encode(f2=encode(f1=IDLE, f2=list(owed)))] if node_id else [encode(f1=encode(**hello, f9=held))]
    if say and (node_id or beat_at == now + beat_s):
        dealer.send(encode(f1=1, f2=node_id, f3=incarnation, f4=say))
    for kept in [kept for kept in owed.values() if node_id and now >= kept[2]]:
        pub.send_multipart([f"output/{MODULE}/".encode(), encode(f1=1, f2=kept[1])])
        kept[2:] = [now + kept[3], min(kept[3] * 2, 30)]

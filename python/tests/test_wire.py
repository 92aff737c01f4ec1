"""Frames."""

from __future__ import annotations

import random
import unittest

from support import _TO_NODE
from tutti.errors import ReportedError
from tutti.protocol import ExecutionReport, LogLine
from tutti.wire import ReadFrame, Unreadable, decode_to_node, encode_node_message


def frame(*bodies: object, version: int = 1) -> bytes:
    encoded: bytes = _TO_NODE(
        protocol_version=version, epoch=2, incarnation=3, messages=bodies
    ).SerializeToString()
    return encoded


class WireTest(unittest.TestCase):
    def test_one_bad_message_does_not_fail_its_batch(self) -> None:
        read = decode_to_node(
            frame(
                {"node_command": {"command_id": "c1", "cmd": 1}},
                {"node_command": {"command_id": "c2", "cmd": 99}},
                {"assign": {"execution_id": "e"}},
                {},
                {"task_command": {"command_id": "c3", "cmd": 4, "execution_id": "e"}},
            )
        )
        assert isinstance(read, ReadFrame)
        self.assertEqual([each.command_id for each in read.frame.messages], ["c1", "c3"])
        self.assertEqual((read.frame.epoch, read.frame.incarnation), (2, 3))
        self.assertEqual(len(read.faults), 2)
        self.assertIn("node_command.cmd is 99, expected one of START", read.faults[0])
        self.assertIn("assign.lease", read.faults[1])

    def test_a_kind_and_a_field_that_are_not_known_are_ignored(self) -> None:
        unknown = (
            frame({"node_command": {"command_id": "c", "cmd": 1}})
            + b"\x22\x04\xf2\x07\x01a"
            + b"\x98\x06\x01"
        )
        read = decode_to_node(unknown)
        assert isinstance(read, ReadFrame)
        self.assertEqual((len(read.frame.messages), read.faults), (1, []))

    def test_another_version_says_nothing(self) -> None:
        read = decode_to_node(frame(version=2))
        self.assertEqual(read, Unreadable("protocol_version is 2, expected 1"))

    def test_decoding_never_raises(self) -> None:
        source = random.Random(7)
        good = frame(
            {"welcome": {"node_id": "n", "heartbeat_interval_ms": 1, "output_window": 1, "drop": ["e"]}},
            {"refused": {"code": "too_many"}},
            {"output_acks": {"acks": [{"execution_id": "e", "seq": 1}]}},
            {"assign": {"execution_id": "e", "lease": "l", "inputs": [{"name": "a"}]}},
        )
        for _ in range(5_000):
            bad = bytearray(good)
            for _ in range(source.randrange(1, 6)):
                bad[source.randrange(len(bad))] = source.randrange(256)
            decode_to_node(bytes(bad[: source.randrange(len(bad) + 1)]))

    def test_texts_that_are_no_unicode_are_sent_all_the_same(self) -> None:
        encode_node_message(
            ExecutionReport("e", "l", "FAILED", message="\udcff", error=ReportedError("c", "\ud800", True))
        )
        encode_node_message(LogLine("e", "l", 1, "warn", "\ud800", {"\udcff": "\ud800"}))


if __name__ == "__main__":
    unittest.main()

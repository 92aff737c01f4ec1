"""The node's side of the protocol, driven by hand: no sockets, no time but the test's."""

from __future__ import annotations

import random
import unittest
from typing import Any, List, Optional

import support  # noqa: F401
from tutti.errors import ReportedError
from tutti.network import events
from tutti.network.events import (
    Abort,
    Admitted,
    Configure,
    End,
    Failed,
    Produced,
    Run,
    RunHook,
    Succeeded,
    Upload,
)
from tutti.network.load import ProcessLoad
from tutti.network.session import Session
from tutti.protocol import (
    Assign,
    BlobRef,
    CommandAck,
    ConfigReply,
    ConfigRequest,
    ExecutionReport,
    Goodbye,
    Heartbeat,
    Hello,
    LogLine,
    NodeCommand,
    NodeReport,
    OutputAck,
    OutputAcks,
    Refused,
    TaskCommand,
    ToNode,
    Welcome,
)

WELCOME = Welcome("n1", 1, 1_000, 5_000, "tcp://*:1", "http://*:2", 100, 10_000, 4, "s1", (), "json", b"")


def assign(execution_id: str = "e1", **over: Any) -> Assign:
    return Assign(execution_id, f"lease-{execution_id}", "p", 1, "m", 1, 60_000, ())._replace(**over)


def refused(code: str, **over: Any) -> Refused:
    return Refused(code, f"{code}!", "", 0, "", 0, "", "")._replace(**over)


def done(text: bytes = b"1") -> Succeeded:
    return Succeeded(Produced("json", text))


class Driver:
    def __init__(self, capacity: int = 2) -> None:
        self.session = Session(Hello("m", "i", "b", "", capacity, {}, "", "INACTIVE", (), ""))
        self.now = 1_000.0
        self.epoch = 1
        self.incarnation = 1
        self.effects: List[Any] = []

    def step(self, event: Any) -> List[Any]:
        """What leaves after it: messages, then outputs."""
        self.effects += self.session.step(event, self.now)
        _, _, messages, outputs = self.session.take()
        return [*messages, *outputs]

    def told(
        self, *messages: Any, epoch: Optional[int] = None, incarnation: Optional[int] = None
    ) -> List[Any]:
        frame = ToNode(
            self.epoch if epoch is None else epoch,
            self.incarnation if incarnation is None else incarnation,
            messages,
        )
        return self.step(events.Frame(frame))

    def wait(self, ms: float) -> List[Any]:
        """Lets time pass, and the session wake when it wants to."""
        end = self.now + ms
        left: List[Any] = []
        while self.session.wake_at <= end:
            self.now = max(self.now, self.session.wake_at)
            left += self.step(events.Tick())
        self.now = end
        return left

    def join(self, **over: Any) -> Driver:
        self.incarnation = over.get("incarnation", 1)
        self.step(events.Open())
        self.told(WELCOME._replace(**over), NodeCommand("start", "START", "", 1_000))
        self.step(events.HookDone("start", None))
        assert self.session.status == "IDLE", self.session.status
        self.take(RunHook)
        return self

    def take(self, kind: Any) -> List[Any]:
        found = [each for each in self.effects if isinstance(each, kind)]
        self.effects = [each for each in self.effects if not isinstance(each, kind)]
        return found


def of(kind: Any, left: List[Any]) -> List[Any]:
    return [each for each in left if isinstance(each, kind)]


def states(left: List[Any]) -> List[str]:
    return [each.state for each in of(ExecutionReport, left)]


def seqs(left: List[Any]) -> List[Any]:
    from tutti.protocol import Output

    return [(each.execution_id, each.seq) for each in of(Output, left)]


class Registration(unittest.TestCase):
    def test_says_hello_at_once_and_again_with_backoff_until_it_is_welcomed(self) -> None:
        driver = Driver()
        self.assertEqual(len(of(Hello, driver.step(events.Open()))), 1)
        counts = [len(of(Hello, driver.wait(ms))) for ms in (249, 1, 499, 1, 999, 1, 1_999, 1, 2_000, 2_000)]
        self.assertEqual(counts, [0, 1, 0, 1, 0, 1, 0, 1, 1, 1])

    def test_says_nothing_else_between_hello_and_welcome_and_hears_nothing_else(self) -> None:
        driver = Driver()
        driver.step(events.Open())
        self.assertEqual(driver.told(NodeCommand("c", "START", "", 0), assign()), [])
        left = driver.told(WELCOME)
        self.assertEqual((of(CommandAck, left), of(ExecutionReport, left)), ([], []))

    def test_says_again_that_an_execution_has_begun_which_began_between_hello_and_welcome(self) -> None:
        driver = Driver().join()
        driver.told(assign("e1"))
        driver.step(events.Begun("e1"))
        driver.told(assign("e2"))
        self.assertEqual(len(of(Hello, driver.told(refused("say_hello")) + driver.wait(250))), 1)
        self.assertEqual(driver.step(events.Begun("e2")), [])
        left = driver.told(WELCOME._replace(incarnation=2), incarnation=2)
        reports = [(each.execution_id, each.state) for each in of(ExecutionReport, left)]
        self.assertEqual(reports, [("e2", "RUNNING")])

    def test_a_final_refusal_ends_it_with_its_code_and_aborts_what_runs(self) -> None:
        for code in ("replaced", "unauthorized", "schema_mismatch"):
            driver = Driver().join()
            driver.told(assign())
            driver.told(refused(code, hint="do"), epoch=0, incarnation=0)
            (end,) = driver.take(End)
            self.assertEqual((end.error.code, end.error.hint), (code, "do"))
            self.assertEqual(len(driver.take(Abort)), 1)
            self.assertEqual(driver.wait(60_000), [])

    def test_goes_on_saying_hello_until_there_is_a_graph_with_its_module(self) -> None:
        driver = Driver()
        driver.step(events.Open())
        for _ in range(3):
            self.assertEqual(driver.told(refused("unknown_module", hint="known modules: a"), epoch=0, incarnation=0), [])
            self.assertNotEqual(of(Hello, driver.wait(2_500)), [])
        self.assertNotEqual(of(Hello, driver.wait(10_000)), [])
        (note,) = driver.take(events.Note)
        self.assertIn("waits for a graph", note.message)
        self.assertEqual(len(of(CommandAck, driver.told(WELCOME))), 0)

    def test_does_not_say_hello_more_than_four_times_a_second_however_often_it_is_asked(self) -> None:
        driver = Driver().join()
        driver.wait(1_000)
        hellos = 0
        for _ in range(200):
            hellos += len(of(Hello, driver.told(refused("say_hello"))))
            hellos += len(of(Hello, driver.told(WELCOME)))
            hellos += len(of(Hello, driver.wait(5)))
        self.assertLessEqual(hellos, 5)

    def test_keeps_what_it_holds_over_an_orchestrator_restart_and_sends_it_again(self) -> None:
        driver = Driver().join()
        driver.told(assign("e1"), assign("e2"))
        driver.step(events.Returned("e1", done()))
        driver.take(Run)
        driver.wait(1_500)
        (hello,) = of(Hello, driver.told(refused("say_hello"), epoch=2))
        self.assertEqual(
            [(held.execution_id, held.state) for held in hello.held],
            [("e1", "SUCCEEDED"), ("e2", "ACCEPTED")],
        )
        driver.epoch = 2
        self.assertEqual(seqs(driver.told(WELCOME)), [("e1", 1)])
        self.assertEqual(states(driver.told(assign("e2"))), ["ACCEPTED"])
        self.assertEqual(driver.take(Run), [])

    def test_of_several_addresses_it_leaves_one_that_does_not_answer_or_is_lost_for_dead_after(self) -> None:
        hello = Hello("m", "i", "b", "", 1, {}, "", "INACTIVE", (), "")
        for has_addresses in (True, False):
            session = Session(hello, has_addresses)
            dialled: List[float] = []

            def at(now: float, event: Any, session: Session = session, dialled: List[float] = dialled) -> None:
                if any(isinstance(effect, events.Redial) for effect in session.step(event, now)):
                    dialled.append(now)

            at(0, events.Open())
            for now in (1_999, 2_000, 3_999, 4_000):
                at(now, events.Tick())
            at(4_100, events.Frame(ToNode(1, 1, (WELCOME,))))
            for now in (4_200, 60_000):
                at(now, events.Tick())
            at(60_000, events.Line(False))
            at(64_999, events.Tick())
            at(64_999, events.Line(True))
            at(80_000, events.Line(False))
            for now in (84_999, 85_000, 86_999, 87_000):
                at(now, events.Tick())
            self.assertEqual(dialled, [2_000, 4_000, 85_000, 87_000] if has_addresses else [])

    def test_abandons_what_the_welcome_drops(self) -> None:
        driver = Driver().join()
        driver.told(assign("e1"))
        driver.told(WELCOME._replace(drop=("e1",)), epoch=2)
        self.assertEqual([each.code for each in driver.take(Abort)], ["abandoned"])
        driver.epoch = 2
        self.assertEqual(states(driver.step(events.Returned("e1", done()))), [])
        (beat,) = of(Heartbeat, driver.wait(1_000))
        self.assertEqual(list(beat.running), [])

    def test_ignores_another_incarnation_an_older_epoch_and_a_refusal_of_an_older_self(self) -> None:
        driver = Driver().join(incarnation=5)
        driver.wait(1_000)
        self.assertEqual(states(driver.told(assign(), incarnation=4)), [])
        self.assertEqual(states(driver.told(assign(), epoch=0)), [])
        driver.told(refused("replaced"), incarnation=4)
        self.assertEqual(driver.take(End), [])
        self.assertEqual(states(driver.told(assign(), epoch=1)), ["ACCEPTED"])
        driver.told(WELCOME._replace(incarnation=3), incarnation=3)
        self.assertEqual(states(driver.told(assign())), ["ACCEPTED"])

    def test_takes_a_lower_incarnation_and_an_ended_execution_anew_from_another_store(self) -> None:
        driver = Driver().join(incarnation=5)
        driver.told(assign())
        driver.step(events.Returned("e1", done()))
        driver.told(OutputAcks([OutputAck("e1", 1, True)]))
        self.assertEqual(states(driver.told(assign())), [])
        driver.told(WELCOME._replace(store_id="s2"), incarnation=1)
        driver.incarnation = 1
        self.assertEqual(states(driver.told(assign())), ["ACCEPTED"])

    def test_heartbeats_come_in_their_interval_and_name_everything_that_is_held(self) -> None:
        driver = Driver().join()
        driver.told(assign("e1"))
        beats = of(Heartbeat, driver.wait(3_000))
        self.assertEqual([(list(beat.running), beat.status) for beat in beats], [(["e1"], "RUNNING")] * 3)
        driver.now += 1_000
        driver.session.step(events.Tick(), driver.now)
        messages = driver.session.take(lambda: ProcessLoad(0.5, 7)).messages
        self.assertEqual(messages[-1].load, (0.5, 7, 1))  # type: ignore[union-attr]


class Executions(unittest.TestCase):
    def test_an_assignment_is_begun_once_however_often_it_comes(self) -> None:
        driver = Driver().join()
        for _ in range(3):
            self.assertEqual(states(driver.told(assign())), ["ACCEPTED"])
        self.assertEqual(len(driver.take(Run)), 1)

    def test_an_assignment_is_rejected_retryable_when_it_cannot_be_taken(self) -> None:
        driver = Driver(capacity=1).join()
        driver.told(assign("e1"))
        (full,) = of(ExecutionReport, driver.told(assign("e2")))
        self.assertEqual(
            (full.state, full.error.code, full.error.retryable), ("REJECTED", "no_free_slot", True)
        )
        (other,) = of(ExecutionReport, driver.told(assign("e3", module="x")))
        self.assertEqual(other.error.code, "wrong_module")
        driver.told(NodeCommand("stop", "STOP", "", 0))
        (stopped,) = of(ExecutionReport, driver.told(assign("e4")))
        self.assertEqual(stopped.error.code, "node_stopped")

    def test_outputs_are_sent_again_after_1_2_4_to_30_seconds(self) -> None:
        driver = Driver().join(heartbeat_interval_ms=10**9)
        driver.told(assign())
        self.assertEqual(seqs(driver.step(events.Returned("e1", done()))), [("e1", 1)])
        waits = (1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000)
        for ms in waits:
            self.assertEqual(seqs(driver.wait(ms - 1)), [])
            self.assertEqual(seqs(driver.wait(1)), [("e1", 1)])
        driver.told(OutputAcks([OutputAck("e1", 1, True)]))
        self.assertEqual(driver.wait(100_000), [])

    def test_a_final_report_is_sent_again_in_the_same_way(self) -> None:
        driver = Driver().join(heartbeat_interval_ms=10**9)
        driver.told(assign())
        failed = Failed(ReportedError("c", "m", True))
        self.assertEqual(states(driver.step(events.Returned("e1", failed))), ["FAILED"])
        self.assertEqual(states(driver.wait(3_000)), ["FAILED", "FAILED"])
        driver.told(OutputAcks([OutputAck("e1", 0, True)]))
        self.assertEqual(driver.wait(100_000), [])

    def test_at_most_output_window_outputs_are_on_their_way_over_all_executions(self) -> None:
        driver = Driver().join(output_window=2)
        driver.told(assign("e1"), assign("e2"))
        left = driver.step(events.Publish("e1", 1, Produced("json", b"1")))
        left += driver.step(events.Publish("e2", 1, Produced("json", b"1")))
        left += driver.step(events.Publish("e1", 2, Produced("json", b"2")))
        self.assertEqual(seqs(left), [("e1", 1), ("e2", 1)])
        self.assertEqual(driver.take(Admitted), [("e1", 1), ("e2", 1)])
        self.assertEqual(seqs(driver.told(OutputAcks([OutputAck("e2", 1, False)]))), [("e1", 2)])
        self.assertEqual(driver.take(Admitted), [("e1", 2)])

    def test_a_stop_ends_the_outputs_and_counts_those_that_are_committed(self) -> None:
        driver = Driver().join()
        driver.told(assign())
        for ticket in (1, 2, 3):
            driver.step(events.Publish("e1", ticket, Produced("json", b"1")))
        driver.told(OutputAcks([OutputAck("e1", 2, False)]))
        left = driver.told(TaskCommand("c", "STOP", "e1", "enough", 5_000))
        self.assertEqual([(ack.command_id, ack.accepted) for ack in of(CommandAck, left)], [("c", True)])
        self.assertEqual(seqs(driver.wait(4_000)), [])
        (report,) = of(ExecutionReport, driver.step(events.Returned("e1", done())))
        self.assertEqual((report.state, report.last_seq, report.message), ("CANCELLED", 2, "enough"))

    def test_a_handler_that_ignores_its_stop_is_reported_after_the_grace_and_keeps_its_slot(self) -> None:
        driver = Driver(capacity=1).join(heartbeat_interval_ms=10**9)
        driver.told(assign())
        driver.told(TaskCommand("c", "PREEMPT", "e1", "", 2_000))
        self.assertEqual(states(driver.wait(1_999)), [])
        self.assertEqual(states(driver.wait(1)), ["PREEMPTED"])
        driver.told(OutputAcks([OutputAck("e1", 0, True)]))
        (rejected,) = of(ExecutionReport, driver.told(assign("e2")))
        self.assertEqual(rejected.error.code, "no_free_slot")
        driver.step(events.Returned("e1", done()))
        self.assertEqual(states(driver.told(assign("e3"))), ["ACCEPTED"])

    def test_terminate_gives_no_grace_and_a_stop_outranks_a_preemption(self) -> None:
        driver = Driver().join()
        driver.told(assign("e1"), assign("e2"))
        self.assertEqual(states(driver.told(TaskCommand("c1", "TERMINATE", "e1", "", 9_000))), ["CANCELLED"])
        driver.told(TaskCommand("c2", "STOP", "e2", "", 9_000))
        driver.told(TaskCommand("c3", "PREEMPT", "e2", "", 9_000))
        self.assertEqual(states(driver.step(events.Returned("e2", done()))), ["CANCELLED"])

    def test_a_stop_takes_back_a_result_that_is_not_known_to_be_committed(self) -> None:
        driver = Driver().join()
        driver.told(assign())
        driver.step(events.Returned("e1", done()))
        self.assertEqual(states(driver.told(TaskCommand("c", "STOP", "e1", "", 0))), ["CANCELLED"])

    def test_an_output_that_is_refused_for_what_it_is_fails_its_execution_for_good(self) -> None:
        driver = Driver().join()
        driver.told(assign())
        driver.step(events.Publish("e1", 1, Produced("json", b"1")))
        driver.step(events.Publish("e1", 2, Produced("json", b"2")))
        (report,) = of(ExecutionReport, driver.told(refused("too_large", execution_id="e1", seq=2)))
        self.assertEqual(
            (report.state, report.last_seq, report.error.code, report.error.retryable),
            ("FAILED", 1, "too_large", False),
        )
        self.assertEqual(len(driver.take(Abort)), 1)

    def test_an_execution_that_is_unknown_or_stale_is_forgotten_and_too_many_changes_nothing(self) -> None:
        for code in ("unknown_execution", "stale_execution", "too_many", "something_newer"):
            driver = Driver().join(heartbeat_interval_ms=10**9)
            driver.told(assign())
            driver.step(events.Returned("e1", done()))
            driver.told(refused(code, execution_id="e1", seq=1))
            again = seqs(driver.wait(1_000))
            self.assertEqual(again, [] if code.endswith("_execution") else [("e1", 1)])

    def test_a_blob_that_is_missing_is_uploaded_and_its_output_goes_again_then(self) -> None:
        driver = Driver().join(heartbeat_interval_ms=10**9)
        driver.told(assign())
        blob = BlobRef("0" * 64, 5)
        driver.step(events.Returned("e1", Succeeded(Produced("json", None, blob, "source"))))
        driver.told(refused("blob_missing", execution_id="e1", seq=1))
        self.assertEqual(driver.take(Upload), [Upload("e1", 1, blob, "source")])
        self.assertEqual(seqs(driver.wait(60_000)), [])
        self.assertEqual(seqs(driver.step(events.Uploaded("e1", 1))), [("e1", 1)])

    def test_a_timeout_is_reported_and_aborts_the_handler(self) -> None:
        driver = Driver().join()
        driver.told(assign(timeout_ms=3_000))
        (report,) = of(ExecutionReport, driver.wait(3_000))
        self.assertEqual(
            (report.state, report.error.code, report.error.retryable), ("FAILED", "timeout", True)
        )
        self.assertEqual([each.code for each in driver.take(Abort)], ["timeout"])

    def test_progress_goes_ten_times_a_second_at_most_the_newest(self) -> None:
        driver = Driver().join(heartbeat_interval_ms=10**9)
        driver.told(assign())
        left: List[Any] = []
        for number in range(100):
            left += driver.step(events.Progress("e1", number / 100, ""))
            left += driver.wait(10)
        left += driver.wait(100)
        told = [each.progress for each in of(ExecutionReport, left) if each.state == "PROGRESS"]
        self.assertLessEqual(len(told), 11)
        self.assertEqual(told[-1], 0.99)

    def test_log_lines_come_after_the_beginning_and_before_the_end_of_what_they_are_about(self) -> None:
        driver = Driver().join()
        driver.session.step(events.Frame(ToNode(1, 1, [assign()])), driver.now)
        driver.session.step(events.Log("e1", 1, "info", "line", {}), driver.now)
        driver.session.step(events.Returned("e1", Failed(ReportedError("c", "m", True))), driver.now)
        said = driver.session.take().messages
        kinds = [each.state if isinstance(each, ExecutionReport) else type(each).__name__ for each in said]
        self.assertEqual([kind for kind in kinds if kind != "NodeReport"], ["ACCEPTED", "LogLine", "FAILED"])

    def test_of_log_lines_beyond_a_bound_the_number_is_told(self) -> None:
        driver = Driver().join()
        driver.told(assign())
        driver.told(refused("say_hello"))
        for number in range(1, 21):
            driver.session.step(events.Log("e1", number, "info", "x" * 1_000_000, {}), driver.now)
        lines = of(LogLine, driver.told(WELCOME))
        while driver.session.has_logs:
            lines += of(LogLine, driver.session.take().messages)
        self.assertEqual((len(lines), lines[0].at), (17, 1))
        self.assertEqual((lines[-1].at, lines[-1].level, lines[-1].fields), (20, "warn", {"dropped": "4"}))

    def test_log_lines_wait_for_room_and_the_end_behind_them(self) -> None:
        driver = Driver().join()
        driver.told(assign())
        driver.session.step(events.Log("e1", 1, "info", "line", {}), driver.now)
        driver.session.step(events.Returned("e1", Failed(ReportedError("c", "m", True))), driver.now)
        waiting = driver.session.take(has_room=False).messages
        self.assertFalse([each for each in waiting if isinstance(each, (LogLine, ExecutionReport))])
        self.assertTrue(driver.session.has_logs)
        said = driver.session.take().messages
        self.assertEqual([type(each).__name__ for each in said], ["LogLine", "ExecutionReport"])
        self.assertFalse(driver.session.has_logs)

    def test_lines_that_were_lost_on_the_way_are_told_in_one(self) -> None:
        driver = Driver().join()
        driver.told(assign())
        lost = [LogLine("e1", "l", at, "info", "m", {}) for at in (1, 2)]
        driver.session.step(events.LogsLost(lost), driver.now)
        (line,) = of(LogLine, driver.session.take().messages)
        self.assertEqual((line.lease, line.at, line.fields), ("l", 2, {"dropped": "2"}))


class Life(unittest.TestCase):
    def test_commands_are_done_once_and_acknowledged_each_time(self) -> None:
        driver = Driver().join()
        for _ in range(2):
            (ack,) = of(CommandAck, driver.told(NodeCommand("c", "RESET", "", 0)))
            self.assertTrue(ack.accepted)
        self.assertEqual(len(driver.take(RunHook)), 1)
        (unknown,) = of(CommandAck, driver.told(TaskCommand("t", "STOP", "nobody", "", 0)))
        self.assertEqual((unknown.accepted, unknown.error.code), (False, "unknown_execution"))

    def test_stop_drains_and_start_takes_it_back(self) -> None:
        driver = Driver().join()
        driver.told(assign())
        driver.told(NodeCommand("c1", "STOP", "", 0))
        self.assertEqual(driver.session.status, "RUNNING")
        driver.told(NodeCommand("c2", "START", "", 0))
        driver.step(events.Returned("e1", done()))
        self.assertEqual(driver.session.status, "IDLE")
        driver.told(NodeCommand("c3", "STOP", "", 0))
        self.assertEqual(driver.take(RunHook), [RunHook("stop")])
        left = driver.step(events.HookDone("stop", None))
        self.assertEqual([each.status for each in of(NodeReport, left)], ["INACTIVE"])

    def test_reset_gives_all_work_back_and_does_not_wait_longer_than_its_grace(self) -> None:
        driver = Driver().join(heartbeat_interval_ms=10**9)
        driver.told(assign())
        driver.told(NodeCommand("c", "RESET", "", 500))
        self.assertEqual(driver.session.status, "INITIALIZING")
        self.assertEqual(states(driver.wait(500)), ["PREEMPTED"])
        driver.step(events.HookDone("stop", None))
        driver.step(events.HookDone("start", None))
        self.assertEqual(driver.take(RunHook), [RunHook("stop"), RunHook("start")])
        self.assertEqual(driver.session.status, "RUNNING")  # The handler has not come back.

    def test_a_hook_that_raises_leads_to_error_out_of_which_only_reset_leads(self) -> None:
        driver = Driver()
        driver.step(events.Open())
        driver.told(WELCOME, NodeCommand("start", "START", "", 0))
        left = driver.step(events.HookDone("start", ReportedError("hook_failed", "no", True)))
        self.assertEqual(
            [(each.status, each.error.code) for each in of(NodeReport, left)], [("ERROR", "hook_failed")]
        )
        (ack,) = of(CommandAck, driver.told(NodeCommand("c", "START", "", 0)))
        self.assertEqual(ack.error.code, "not_in_this_state")
        driver.told(NodeCommand("r", "RESET", "", 0))
        driver.step(events.HookDone("start", None))
        self.assertEqual(driver.session.status, "IDLE")

    def test_an_end_gives_work_back_waits_for_what_is_not_acknowledged_and_says_goodbye(self) -> None:
        driver = Driver().join(heartbeat_interval_ms=10**9)
        driver.told(assign("e1"), assign("e2"))
        driver.step(events.Returned("e1", done()))
        driver.step(events.Shutdown("bye", 5_000, 5_000))
        self.assertEqual([each.code for each in driver.take(Abort)], ["node_stopping"])
        self.assertEqual(states(driver.step(events.Returned("e2", done()))), ["PREEMPTED"])
        driver.step(events.HookDone("stop", None))
        driver.told(OutputAcks([OutputAck("e2", 0, True)]))
        self.assertEqual(driver.take(End), [])
        left = driver.told(OutputAcks([OutputAck("e1", 1, True)]))
        self.assertEqual(left[-1], Goodbye())
        self.assertEqual(driver.take(End), [End(None)])

    def test_work_that_a_failed_process_gives_back_says_so(self) -> None:
        driver = Driver().join(heartbeat_interval_ms=10**9)
        driver.told(assign("e1"))
        gone = ReportedError("process_ended", "it is gone", True)
        (report,) = of(ExecutionReport, driver.step(events.Shutdown("it is gone", 0, 5_000, gone)))
        self.assertEqual((report.state, report.error), ("PREEMPTED", gone))

    def test_an_end_comes_in_bounded_time_whatever_the_handler_the_hook_and_the_orchestrator_do(self) -> None:
        driver = Driver().join()
        driver.told(assign())
        driver.step(events.Shutdown("bye", 2_000, 3_000))
        driver.wait(4_999)
        self.assertEqual(driver.take(End), [])
        driver.wait(1)
        self.assertEqual(driver.take(End), [End(None)])

    def test_a_configuration_is_asked_of_the_hook_once_and_its_answer_repeated(self) -> None:
        driver = Driver().join()
        self.assertEqual(of(ConfigReply, driver.told(ConfigRequest("t", "x"))), [])
        self.assertEqual(of(ConfigReply, driver.told(ConfigRequest("t", "x"))), [])
        self.assertEqual(driver.take(Configure), [Configure("t", "x")])
        (first,) = of(ConfigReply, driver.step(events.Configured("t", "X", None)))
        self.assertEqual(of(ConfigReply, driver.told(ConfigRequest("t", "x"))), [first])


class AnyOrder(unittest.TestCase):
    def test_whatever_comes_in_whatever_order_everything_ends_and_the_window_holds(self) -> None:
        for seed in range(150):
            with self.subTest(seed=seed):
                self.play(random.Random(seed))

    def play(self, source: random.Random) -> None:
        window = 3
        driver = Driver(capacity=3).join(output_window=window)
        running: List[str] = []
        unacked: dict = {}
        ids = 0

        def hear(left: List[Any]) -> None:
            for effect in driver.take(Run):
                running.append(effect.assign.execution_id)
            for execution_id, seq in seqs(left):
                unacked.setdefault(execution_id, set()).add(seq)
            self.assertLessEqual(sum(map(len, unacked.values())), window)

        for _ in range(120):
            what = source.randrange(8)
            one = source.choice(running) if running else None
            if what == 0:
                ids += 1
                hear(driver.told(assign(f"e{ids}", timeout_ms=source.choice((0, 500, 60_000)))))
            elif what == 1 and one:
                running.remove(one)
                hear(
                    driver.step(
                        events.Returned(one, source.choice((done(), Failed(ReportedError("c", "m", True)))))
                    )
                )
            elif what == 2 and one:
                hear(driver.step(events.Publish(one, ids, Produced("json", b"1"))))
            elif what == 3 and unacked:
                execution_id = source.choice(sorted(unacked))
                seq = max(unacked.pop(execution_id), default=0)
                hear(driver.told(OutputAcks([OutputAck(execution_id, seq, False)])))
            elif what == 4:
                cmd = source.choice(("STOP", "PREEMPT", "TERMINATE", "RESET"))
                target = f"e{source.randrange(1, ids + 2)}"
                unacked.pop(target, None)
                hear(
                    driver.told(TaskCommand(f"t{source.random()}", cmd, target, "", source.choice((0, 300))))
                )
            elif what == 5:
                unacked.clear()
                driver.epoch += 1
                driver.told(refused("say_hello"))
                hear(driver.told(WELCOME._replace(output_window=window)))
            else:
                hear(driver.wait(source.randrange(700)))
        driver.step(events.Shutdown("bye", 0, 1_000))
        driver.wait(1_000)
        self.assertEqual(driver.take(End), [End(None)])


if __name__ == "__main__":
    unittest.main()

"""The client against the orchestrator at TUTTI_URL (with TUTTI_TOKEN), whose graph ``fit`` is served (python/examples/fit)."""

import asyncio
import base64
import hashlib
import io
import json
import math
import os
import pickle
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import zipfile
from contextlib import redirect_stderr
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.request import Request, urlopen

import numpy as np
from tutti import AsyncTutti, Tutti
from tutti.client import ClientError, Content, Listing, html

POINTS = [[0, 1], [1, 3], [2, 5], [3, 7]]
GOOD = {"points": POINTS, "rate": 0.1, "epochs": 20}
DIVERGING = {"points": POINTS, "rate": 9, "epochs": 400}
ENDLESS = {"points": POINTS, "rate": 0.01, "epochs": 100_000}


class ClientCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tutti = Tutti()
        cls.done = cls.tutti.submit("fit", GOOD, title="of the client").wait()

    @classmethod
    def tearDownClass(cls):
        cls.tutti.close()


class Results(ClientCase):
    def test_outputs_are_values_and_bytes_with_their_media_type(self):
        self.assertEqual(self.done.state, "succeeded")
        self.assertEqual(list(self.done.outputs), ["train", "plot"])
        self.assertLess(self.done.outputs["train"].loss, 1)
        plot = self.done.outputs["plot"]
        self.assertIsInstance(plot, Content)
        self.assertEqual((plot.media_type, plot[:4]), ("image/png", b"\x89PNG"))
        self.assertEqual(plot._repr_mimebundle_()["image/png"], bytes(plot))
        self.assertEqual(pickle.loads(pickle.dumps(plot)).media_type, "image/png")

    def test_an_iteration_is_saved_as_a_crate_that_describes_each_of_its_files(self):
        reused = self.done.iterate(reuse=["train"], overrides={"plot": {"request": GOOD}}).wait()
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "run.crate.zip")
            reused.save_crate(path, license="https://spdx.org/licenses/CC-BY-4.0")
            self.assertEqual(os.listdir(folder), ["run.crate.zip"])
            with zipfile.ZipFile(path) as crate:
                self.assertIsNone(crate.testzip())
                files = {name: crate.read(name) for name in crate.namelist()}
        entities = {each["@id"]: each for each in json.loads(files.pop("ro-crate-metadata.json"))["@graph"]}
        self.assertEqual(files["outputs/plot.png"], reused.outputs["plot"])
        self.assertEqual(json.loads(files["outputs/train.json"]), reused.outputs["train"])
        self.assertEqual(json.loads(files["input/request.json"]), GOOD)
        self.assertEqual(json.loads(files["overrides/plot/request.json"]), GOOD)
        self.assertEqual({part["@id"] for part in entities["./"]["hasPart"]}, set(files))
        for name, content in files.items():
            self.assertEqual(entities[name]["sha256"], hashlib.sha256(content).hexdigest())
            self.assertEqual(entities[name]["contentSize"], str(len(content)))
        ran = [each for each in entities.values() if each["@type"] == "CreateAction"]
        self.assertEqual([each["instrument"]["@id"] for each in ran], [f"graph.yaml{x}" for x in ("", "#train", "#plot")])
        self.assertEqual(ran[1]["identifier"], self.done.modules["train"].execution_id)

    def test_what_people_say_about_a_problem_is_changed_and_found(self):
        marked = self.tutti.submit("fit", GOOD, title="marked", tags=["py", "draft"], notes="# N", starred=True).wait()
        problem = self.tutti.problem(marked.problem_id)
        self.assertEqual((problem.notes, problem.tags, problem.starred), ("# N", ["py", "draft"], True))
        changed = self.tutti.change_problem(
            marked.problem_id, tags=["py"], notes=None, archived=True, revision=problem.revision
        )
        self.assertEqual((changed.title, changed.tags, changed.notes), ("marked", ["py"], ""))
        with self.assertRaises(ClientError) as refused:
            self.tutti.change_problem(marked.problem_id, title="x", revision=problem.revision)
        self.assertEqual((refused.exception.code, refused.exception.status), ("revision_outdated", 412))
        found = self.tutti.problems(filter='tags has "py"', archived=True, tag="py", starred=True)
        self.assertEqual([each.problem_id for each in found], [marked.problem_id])
        self.assertEqual(list(self.tutti.problems(tag="py", archived=False)), [])
        self.assertEqual([each.tag for each in self.tutti.tags()], ["py"])

    def test_an_output_that_is_not_there_is_a_key_error_that_says_why(self):
        with self.assertRaisesRegex(KeyError, r"plto: there is no such module \(did you mean plot\?\)"):
            self.done.outputs["plto"]
        self.assertIsNone(self.done.outputs.get("plto"))

    def test_the_orchestrators_of_the_store_are_listed(self):
        (peer,) = self.tutti.peers()
        self.assertEqual((peer.http, peer.role), (os.environ["TUTTI_URL"], "leader"))

    def test_an_iteration_goes_on_from_another_and_is_compared_with_it(self):
        again = self.done.iterate({**GOOD, "rate": 0.05}).wait()
        self.assertEqual(again.data.parent_iteration_id, self.done.iteration_id)
        difference = self.done.compare(again)
        self.assertEqual(difference.input, [{"path": "/rate", "a": 0.1, "b": 0.05}])
        self.assertIn("/rate", difference._repr_html_())
        reused = self.done.iterate(reuse=["train"]).wait()
        self.assertEqual(reused.modules["train"].state, "reused")
        self.assertEqual(reused.input, GOOD)

    def test_numpy_and_tuples_are_inputs_like_any(self):
        given = {"points": np.array(POINTS), "rate": np.float64(0.1), "epochs": np.int32(2)}
        self.assertEqual(self.tutti.submit("fit", given).wait().input, {**GOOD, "epochs": 2})

    def test_nan_and_the_infinities_are_kept(self):
        seen = self.tutti.submit("fit", {**GOOD, "epochs": 1, "seen": [math.nan, -math.inf]}).wait().input.seen
        self.assertTrue(math.isnan(seen[0]))
        self.assertEqual(seen[1], -math.inf)

    def test_lists_are_read_page_by_page_and_become_tables(self):
        problem = self.done.problem_id
        for _ in range(3):
            self.tutti.iterate(problem, {**GOOD, "epochs": 2}).wait()
        listed = self.tutti.iterations(problem, filter="input.epochs = 2", fields=["input.rate", "train.loss"])
        self.assertIsInstance(listed, Listing)
        frame = listed.to_pandas()
        self.assertEqual(len(frame), 3)
        self.assertTrue((frame["train.loss"] > 0).all())
        self.assertEqual(str(frame["created_at"].dt.tz), "UTC")
        self.assertIn("train.loss", listed._repr_html_())
        self.assertEqual(len(self.tutti.iterations(problem, limit=2).to_list()), 2)
        self.assertIn(problem, [each.problem_id for each in self.tutti.problems(q="of the client")])
        self.assertEqual(self.tutti.problem(problem).title, "of the client")
        # Jobs of other tests bring a graph and an agent of their own.
        self.assertEqual({graph.name for graph in self.tutti.graphs()} - {"job", "asking", "mapped"}, {"fit"})
        modules = {node.module for node in self.tutti.nodes()}
        self.assertEqual(modules - {"tutti.agent"}, {"train", "plot"})

    def test_notebooks_show_an_iteration_with_every_text_escaped(self):
        self.assertIn('<img src="data:image/png;base64,iVBOR', self.done._repr_html_())
        failed = self.tutti.submit("fit", {"points": "<script>", "rate": 1}).wait(check=False)
        self.assertNotIn("<script>", failed._repr_html_())
        self.assertIn("<details>", failed._repr_html_())

    def test_notebooks_show_each_output_as_what_it_is(self):
        def coded(text):
            return base64.b64encode(text.encode()).decode()

        types = {"report": "bytes:text/markdown", "page": "bytes:text/html", "rows": "bytes", "pixels": "bytes"}
        values = {
            "report": coded("# Fit\n<script>alert(1)</script> **good** [x](javascript:alert(1))"),
            "page": coded("<script>alert(2)</script>"),
            "rows": coded("x,y\n1,<b>\n" + "2,3\n" * 20),
            "pixels": coded("\x01\x02\x00"),
        }
        modules = {
            "fit": {"state": "succeeded", "output": values, "output_names": list(types), "output_types": types},
            "few": {"state": "succeeded", "output_type": "json", "output": [{"a": 1, "b": "<i>"}, {"a": 2 / 3}]},
            "large": {"output_type": "bytes:image/png", "output": {"blob": {"sha256": "0" * 64, "size": 2345678}}},
        }
        shown = html.iteration({"task_id": "p/1", "graph": "fit", "state": "succeeded", "modules": modules})
        for part in (
            "<b>report</b></div><h1>Fit</h1>",
            "<strong>good</strong>",
            '<iframe sandbox="" srcdoc="&lt;script&gt;',
            "<th>x</th><th>y</th></tr></thead><tbody><tr><td>1</td><td>&lt;b&gt;</td></tr>",
            "… 21 rows",
            "application/octet-stream, 3 B",
            "<th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>&lt;i&gt;</td></tr><tr><td>0.666667</td><td></td></tr>",
            "image/png, 2.35 MB",
        ):
            self.assertIn(part, shown)
        self.assertNotRegex(shown, r"<script|href=.javascript")
        changed = {"modules": {"fit": [{"path": "/rows", "a": values["rows"], "b": None}]}, "types": {"a": {"fit.rows": "bytes"}}}
        self.assertIn("<td>text/csv, 90 B</td>", html.comparison(changed))

    def test_the_log_of_a_module_has_what_its_node_logged(self):
        self.assertRegex(self.done.log("train")[-1].message, "trained to a loss of")


class Course(ClientCase):
    def test_following_gives_every_event_of_the_task_once(self):
        begun = self.tutti.submit("fit", GOOD)
        seen = list(begun.follow())
        self.assertEqual(seen, list(begun.follow()))
        self.assertEqual(seen, begun.events().to_list())
        self.assertEqual(seen[-1].type, "iteration.succeeded")

    def test_the_stream_of_all_goes_on_from_a_cursor(self):
        first, *_, last = self.done.events()
        follower = self.tutti.follow(self.done.problem_id, cursor=first.seq)
        after = [next(follower).seq for _ in range(3)]
        follower.close()
        self.assertEqual(after, sorted({*after}))
        self.assertTrue(all(first.seq < seq <= last.seq for seq in after))

    def test_a_failure_is_one_error_with_the_traceback_of_the_node(self):
        begun = self.tutti.submit("fit", DIVERGING)
        with self.assertRaises(ClientError) as raised:
            begun.wait()
        error = raised.exception
        self.assertEqual((error.code, [fault.path for fault in error.details]), ("task_failed", ["train"]))
        self.assertIn("use a smaller rate than 9", str(error))
        self.assertIn("nodes.py", str(error))
        self.assertEqual(pickle.loads(pickle.dumps(error)).details, error.details)
        self.assertEqual(begun.wait(check=False).state, "failed")
        with self.assertRaisesRegex(KeyError, "train: the module is failed: ArithmeticError"):
            begun.outputs["train"]

    def test_waiting_ends_after_its_time_and_cancelling_ends_the_work(self):
        begun = self.tutti.submit("fit", ENDLESS)
        with self.assertRaises(TimeoutError):
            begun.wait(0.2)
        with self.assertRaisesRegex(ClientError, "has not ended yet"):
            begun.save_crate("never.zip")
        begun.cancel("enough")
        self.assertEqual((begun.wait(check=False).state, begun.data.reason), ("cancelled", "enough"))

    def test_the_items_of_a_map_are_read_by_number_and_state_also_by_the_twin(self):
        yaml = (
            "name: mapped\nsource: { name: list, type: json }\n"
            "modules: { nobody: { inputs: [list], map: list, output: json } }"
        )
        headers = {"Authorization": f"Bearer {os.environ['TUTTI_TOKEN']}", "Content-Type": "application/json"}
        body = json.dumps({"yaml": yaml}).encode()
        urlopen(Request(f"{os.environ['TUTTI_URL']}/v1/graphs", body, headers)).close()
        begun = self.tutti.submit("mapped", ["a", "b", "c"])
        self.assertEqual(begun.item_states("nobody").counts, {"waiting": 3})
        self.assertEqual([each.item for each in begun.items("nobody", first=1, state="waiting")], [1, 2])
        self.assertEqual(begun.items("nobody", state="succeeded").to_list(), [])
        one = begun.item("nobody", 1)
        self.assertEqual((one.value, one.result, one.executions), ("b", None, []))
        with self.assertRaisesRegex(ClientError, "no item 3"):
            begun.item("nobody", 3)

        async def twin():
            async with AsyncTutti() as tutti:
                same = await tutti.iteration(begun.problem_id, begun.iteration_id)
                states = await same.item_states("nobody")
                return states.total, [each.item async for each in same.items("nobody")], (await same.item("nobody", 2)).value

        self.assertEqual(asyncio.run(twin()), (3, [0, 1, 2], "c"))
        begun.cancel()

    def test_what_waits_for_a_person_is_listed_and_decided_once_also_by_the_twin(self):
        yaml = (
            "name: asking\nsource: { name: request, type: json }\n"
            "modules: { review: { inputs: [request], approve: { message: Go on? } } }"
        )
        headers = {"Authorization": f"Bearer {os.environ['TUTTI_TOKEN']}", "Content-Type": "application/json"}
        body = json.dumps({"yaml": yaml}).encode()
        urlopen(Request(f"{os.environ['TUTTI_URL']}/v1/graphs", body, headers)).close()
        begun = self.tutti.submit("asking", {"n": 1})
        stored = self.tutti.audit(action="store_graph", by="token", result="done", limit=1).to_list()
        self.assertEqual([(each.operation, each.target.graph) for each in stored], [("put_graph", "asking")])
        self.assertEqual(self.tutti.audit(by="nobody").to_list(), [])
        waiting = [(each.task_id, each.module, each.message, each.inputs.request.n) for each in self.tutti.approvals()]
        self.assertEqual(waiting, [(begun.task_id, "review", "Go on?", 1)])
        asked = {role: len(self.tutti.approvals(role=role).to_list()) for role in ("operator", "author")}
        self.assertEqual(asked, {"operator": 1, "author": 0})
        shown = io.StringIO()
        with redirect_stderr(shown):
            decided = begun.approve("review", "fine")
            begun.wait(progress=True)
        self.assertEqual((decided.decision, decided.by, decided.reason), ("approve", "token", "fine"))
        self.assertEqual(begun.outputs["review"].reason, "fine")
        with self.assertRaisesRegex(ClientError, "was already made"):
            begun.deny("review")

        async def denied():
            async with AsyncTutti() as tutti:
                other = await tutti.submit("asking", {"n": 2})
                listed = [each.task_id async for each in tutti.approvals()]
                await other.deny("review", "no")
                assert [each.operation async for each in tutti.audit(limit=1)] == ["decide_approval"]
                return listed == [other.task_id], (await other.wait(check=False)).data.error.code

        self.assertEqual(asyncio.run(denied()), (True, "denied"))

    def test_the_bar_shows_how_far_it_is(self):
        shown = io.StringIO()
        with redirect_stderr(shown):
            self.tutti.submit("fit", {**GOOD, "epochs": 150}).wait(progress=True)
        self.assertRegex(shown.getvalue(), r"\[░+\] 0/2 .*train \d+ % epoch")
        self.assertRegex(shown.getvalue(), r"\[█+\] 2/2 ")


class Refusals(ClientCase):
    def refused(self, call, *args, **kwargs):
        with self.assertRaises(ClientError) as raised:
            call(*args, **kwargs)
        return raised.exception

    def test_a_refusal_has_code_message_details_hint_and_status(self):
        error = self.refused(self.tutti.submit, "fti", GOOD)
        self.assertEqual((error.code, error.status, error.details[0].path), ("unknown_graph", 422, "/graph"))
        self.assertIn("fit", error.hint)
        self.assertIn("hint: known graphs: fit", str(error))

    def test_a_value_without_a_json_form_is_named_before_anything_is_sent(self):
        error = self.refused(self.tutti.submit, "fit", {"rows": [1, timedelta(1)]})
        self.assertEqual((error.code, error.details[0].path), ("bad_input", "/input/rows/1"))

    def test_a_wrong_token_an_unknown_task_and_a_bad_id_are_told_apart(self):
        with Tutti(token="x" * 20) as stranger:
            self.assertEqual(self.refused(stranger.submit, "fit", GOOD).code, "unauthorized")
            self.assertEqual(self.refused(lambda: next(stranger.follow())).code, "unauthorized")
        self.assertEqual(self.refused(self.tutti.iteration, self.done.problem_id, 99).code, "unknown_iteration")
        self.assertEqual(self.refused(self.tutti.iteration, "nonsense").code, "bad_task_id")
        self.assertEqual(self.refused(Tutti, "localhost:7480").code, "bad_url")

    def test_an_address_where_nobody_answers_is_reported_at_once(self):
        with Tutti("http://127.0.0.1:9") as nobody:
            self.assertEqual(self.refused(nobody.submit, "fit", GOOD).code, "unreachable")

    def test_the_same_key_gives_the_same_iteration(self):
        first, second = (self.tutti.submit("fit", GOOD, key="client-1") for _ in range(2))
        self.assertEqual(first.task_id, second.task_id)
        self.assertEqual(self.refused(self.tutti.submit, "fit", {}, key="client-1").code, "idempotency_mismatch")

    def test_every_other_route_can_be_asked(self):
        self.assertIn("mailbox", str(self.tutti.request("GET", "/v1/stats")))

    def test_a_forked_child_is_told_to_make_a_client_of_its_own(self):
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(write, self.refused(self.tutti.problem, "x").code.encode())
            os._exit(0)
        os.waitpid(child, 0)
        self.assertEqual(os.read(read, 100), b"forked_child")


class Asynchronous(unittest.IsolatedAsyncioTestCase):
    async def test_the_twin_does_the_same_many_at_once(self):
        async with AsyncTutti() as tutti:
            begun = await asyncio.gather(*(tutti.submit("fit", {**GOOD, "epochs": 3 + each}) for each in range(4)))
            ended = await asyncio.gather(*(each.wait() for each in begun))
            curves = [len((await each.output("train"))["curve"]) for each in ended]
            self.assertEqual(curves, [3, 4, 5, 6])
            self.assertEqual(set(await ended[0].outputs()), {"train", "plot"})
            types = [event.type async for event in ended[0].follow()]
            self.assertEqual(types[-1], "iteration.succeeded")
            frame = await tutti.iterations(ended[0].problem_id).to_pandas()
            self.assertEqual(len(frame), 1)


def until(holds):
    """Asks until it does; a service reports nothing to wait for here."""
    give_up_at = time.monotonic() + 40
    while not holds():
        if time.monotonic() > give_up_at:
            raise AssertionError("it did not come to hold within 40 s")
        time.sleep(0.05)


class JobsOnClusters(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tutti = Tutti()

    @classmethod
    def tearDownClass(cls):
        cls.tutti.close()

    def test_a_script_runs_to_its_end_with_its_log_and_its_exit_code(self):
        job = self.tutti.jobs.run("greet", "#!/bin/sh\necho hello $1\n", args=["you"], cluster="local").wait(60)
        self.assertEqual((job.state, job.exit_code, job.log()), ("COMPLETED", 0, "hello you\n"))
        self.assertEqual(self.tutti.jobs.get(job.job_id).task_id, job.task_id)
        self.assertIn(job.job_id, [each.job_id for each in self.tutti.jobs.list(cluster="local", state="COMPLETED")])

    def test_a_failure_is_raised_unless_it_is_not_to_be(self):
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder, "fail.sh")
            script.write_text("#!/bin/sh\nexit 3\n")
            job = self.tutti.jobs.run("fail", script)
        with self.assertRaises(ClientError) as raised:
            job.wait(60)
        self.assertEqual(raised.exception.code, "task_failed")
        self.assertEqual((job.state, job.exit_code), ("FAILED", 3))

    def test_the_twin_cancels_one(self):
        async def cancelled():
            async with AsyncTutti() as tutti:
                job = await tutti.jobs.run("endless", "#!/bin/sh\nsleep 600\n")
                await job.cancel("enough")
                return (await job.wait(60, check=False)).state

        self.assertEqual(asyncio.run(cancelled()), "CANCELLED")

    def test_clusters_are_added_changed_listed_and_removed(self):
        clusters = self.tutti.clusters
        clusters.add("attic", "local", workdir="attic", slots=2, agent="remote")
        self.assertEqual(clusters.change("attic", status="draining", labels={"old": "true"}).status, "draining")
        self.assertEqual(clusters.get("attic").labels, {"old": "true"})
        self.assertIn("attic", [each.name for each in clusters.list()])
        clusters.remove("attic")
        with self.assertRaises(ClientError) as raised:
            clusters.get("attic")
        self.assertEqual(raised.exception.code, "unknown_cluster")

    def test_services_are_applied_with_their_files_scaled_and_removed(self):
        services = self.tutti.services
        script = "#!/bin/sh\necho $TUTTI_REPLICA: $(cat words.txt)\nexec sleep 600\n"
        files = {"sit.sh": script, "words.txt": b"here I am"}
        applied = services.apply("sitter", script="sit.sh", cluster="local", files=files, restart={"backoff": "100ms"})
        self.assertEqual((applied.name, applied.count, applied.health), ("sitter", 1, "ok"))
        until(lambda: [each.observed for each in services.get("sitter").replicas] == ["running"])
        until(lambda: services.log("sitter") == "sitter-1: here I am\n")
        self.assertEqual(services.log("sitter", "sitter-1"), services.log("sitter"))
        self.assertIn(("local", True), [(each.cluster, each.score is not None) for each in services.placement("sitter")])
        self.assertEqual(services.scale("sitter", 0).count, 0)
        until(lambda: services.get("sitter").replicas == [])
        self.assertEqual([services.stop("sitter").desired, services.start("sitter").desired], ["stopped", "running"])
        self.assertEqual(services.restart("sitter").generation, 2)
        self.assertIn("sitter", [each.name for each in services.list()])
        services.remove("sitter")
        until(lambda: "sitter" not in [each.name for each in services.list()])

    def test_a_blueprint_is_deployed_with_its_files_gone_on_with_and_taken_down(self):
        deployments = self.tutti.deployments
        blueprint = (
            "blueprint: shop\ncomponents:\n  store:\n"
            "    operations: { create: ./create.sh, delete: ./delete.sh }\n"
            'outputs: { said: "${store.said}" }\n'
        )
        create = "#!/bin/sh\necho creating\n[ -z \"$CLEAN\" ] && echo '{\"said\":\"hello\"}' > $TUTTI_OUTPUT\n"
        files = {"create.sh": create, "delete.sh": b"#!/bin/sh\nexit 3\n"}
        begun = deployments.deploy(blueprint, name="mine", files=files)
        self.assertEqual((begun.operation_id, begun.task_id), (1, f"{begun.deployment_id}/1"))
        until(lambda: deployments.get("mine").state == "deployed")
        self.assertEqual(deployments.get(begun.deployment_id).outputs.said, "hello")
        self.assertEqual(deployments.log("mine"), "--- store create on local\ncreating\n")
        with self.assertRaises(ClientError) as raised:
            deployments.cancel("mine")
        self.assertEqual(raised.exception.code, "not_in_this_state")
        deployments.undeploy("mine")
        until(lambda: deployments.get("mine").state == "failed")
        self.assertEqual(deployments.go_on("mine").operation_id, 3)
        until(lambda: deployments.get("mine").state == "failed" and deployments.get("mine").operation_id == 3)
        self.assertEqual(
            [each.operation for each in deployments.operations("mine")], ["deploy", "undeploy", "continue"]
        )
        self.assertIn("store create", deployments.log("mine", 1))
        self.assertEqual([each.name for each in deployments.list()], ["mine"])

    def test_a_tosca_archive_is_deployed_from_its_bytes_or_its_file(self):
        template = (
            "tosca_definitions_version: tosca_simple_yaml_1_3\ntopology_template:\n  inputs: { word: { type: string } }\n"
            "  node_templates:\n    store:\n      type: tosca.nodes.Root\n"
            "      interfaces: { Standard: { create: { implementation: create.sh, inputs: { WORD: { get_input: word } } } } }\n"
        )
        deployments, content = self.tutti.deployments, io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("service.yaml", template)
            archive.writestr("create.sh", "#!/bin/sh\necho $WORD\n")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "store.csar"
            path.write_bytes(content.getvalue())
            for name, archive in (("archive", content.getvalue()), ("archive-file", path)):
                deployments.deploy(archive, name=name, inputs={"word": name})
                until(lambda: deployments.get(name).state == "deployed")
                self.assertEqual(deployments.log(name), f"--- store create on local\n{name}\n")

    def test_a_webhook_is_added_tested_listed_and_removed(self):
        webhooks, got = self.tutti.webhooks, []

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self):
                event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                got.append((event["type"], "Tutti-Signature" in self.headers))
                self.send_response(204 if len(got) == 1 else 503)
                self.end_headers()

            def log_message(self, *_):
                pass

        server = HTTPServer(("127.0.0.1", 0), Receiver)
        self.addCleanup(server.server_close)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        url, only = f"http://127.0.0.1:{server.server_port}/hook", 'tags has "urgent"'
        added = webhooks.add("chat", url, filter=("iteration.failed",), problem=only, secret="correct-horse-battery")
        self.assertEqual((added.filter, added.problem, added.signed), (["iteration.failed"], only, True))
        self.assertEqual([webhooks.test("chat").status, webhooks.test("chat").delivered], ["204", False])
        self.assertEqual(got, [("webhook.test", True)] * 2)
        self.assertEqual([(each.name, each.failures) for each in webhooks.list()], [("chat", 0)])
        webhooks.remove("chat")
        self.assertEqual(list(webhooks.list()), [])
        with self.assertRaises(ClientError) as raised:
            webhooks.test("chat")
        self.assertEqual(raised.exception.code, "unknown_webhook")

    def test_the_twin_says_what_is_wrong_with_a_service(self):
        async def refused():
            async with AsyncTutti() as tutti:
                with self.assertRaises(ClientError) as raised:
                    await tutti.services.apply("sitter", command=["sleep", "600"], count=-1)
                return raised.exception.code, raised.exception.details[0].path

        self.assertEqual(asyncio.run(refused()), ("invalid_body", "/count"))

    def test_one_task_is_given_labels_that_its_nodes_must_have(self):
        task = self.tutti.submit("fit", GOOD, require={"train": {"gpu": "true"}})
        self.assertEqual(task.refresh().data["require"], {"train": {"gpu": "true"}})
        task.cancel()


class Import(unittest.TestCase):
    def run_python(self, code):
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    def test_the_package_loads_nothing_of_the_client_until_it_is_used(self):
        ran = self.run_python("import sys, tutti; print([m for m in ('httpx', 'websockets') if m in sys.modules])")
        self.assertEqual(ran.stdout.strip(), "[]", ran.stderr)

    def test_without_httpx_nodes_work_and_the_client_says_what_to_install(self):
        ran = self.run_python(
            "import sys; sys.modules['httpx'] = None\n"
            "import tutti; tutti.node\n"
            "try:\n    tutti.Tutti\nexcept ImportError as error:\n    print(error)"
        )
        self.assertIn("pip install 'tutti[client]'", ran.stdout, ran.stderr)


if __name__ == "__main__":
    unittest.main()

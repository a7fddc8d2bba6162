"""What the test of the documents promises: what differs is found, and what may differ is not."""
import http.client
import http.server
import os
import tempfile
import threading
import unittest

import markdown
import run
import session
import shown
from trouble import Trouble

ID_1, ID_2, ID_3 = "r0-38fs4t3se7elb1hhb69cuco", "r0-38fs5fcmhgf4qth3pppvdf0", "r0-j8g25sogneokedpd6c06u08"
THEN, NOW = "2026-11-21T03:21:32.422Z", "2026-11-22T07:30:53.509Z"


class Marks(unittest.TestCase):
    def test_a_mark_belongs_to_the_block_behind_it(self):
        first, second = markdown.read("<!-- docs-test: numbers vary -->\n```\n$ a\n```\n\n```\n$ b\n```\n")
        self.assertEqual(first.marks, {"numbers vary": ""})
        self.assertEqual(second.marks, {})

    def test_steps_stand_where_they_are_carried_out(self):
        block, step = markdown.read("```\n$ a\n```\n<!-- docs-test: run\none\ntwo\n-->\n")
        self.assertEqual(block.lines, ["$ a"])
        self.assertEqual((step.verb, step.words), ("run", "one\ntwo"))

    def test_what_is_misspelt_is_refused(self):
        for page in ("<!-- docs-test: skipp because -->\n```\n```\n", "<!-- docs-test: skip because -->\n```\n```\n",
                     "<!-- docs-test: endless -->\nText.\n", "<!-- docs-test: endless -->\n", "```pyton\n```\n", "```\n$ a\n"):
            with self.subTest(page), self.assertRaises(markdown.Wrong):
                markdown.read(page)

    def test_commands_and_what_they_print(self):
        block, = markdown.read("1. text\n\n   ```\n   $ a \\\n     b\n   c\n\n   $ d\n   > e\n   ```\n")
        self.assertEqual([command for _, command, _, _ in block.commands()], ["a \\\n  b", "d\ne"])
        self.assertEqual([block.lines[first:behind] for _, _, first, behind in block.commands()], [["c"], []])


class Compared(unittest.TestCase):
    def setUp(self):
        self.bindings = shown.Bindings()

    def matches(self, shown_text, printed, numbers_vary=False):
        return self.bindings.match(shown_text, printed, numbers_vary)

    def test_what_may_differ(self):
        for one, other in ((f'{{"at":"{THEN}","ttl_ms":118775}}', f'{{"at":"{NOW}","ttl_ms":7}}'),
                           ("in 0.0 s", "in 12.5 s"), ("p99 756us", "p99 1.25ms"), ("a\n", "a"),
                           ("pid=1 version=76edf22-dirty", "pid=77 version=v0.3"), ("1795231293825", "1895231293825"),
                           ("HTTP/1.1 200 OK", "HTTP/1.1 200 OK\r\nDate: today\r\n"), ('{"a":1,...}', '{"a":1,"b":2}'),
                           ("a\n...\nd", "a\nb\nc\nd"), ("a\n...", "a\nb\nc"), ("a", "time=1 level=info\na")):
            with self.subTest(one):
                self.assertTrue(self.matches(one, other))

    def test_what_must_not(self):
        for one, other in (('{"remaining":6}', '{"remaining":7}'), ('"ttl_ms":0', '"ttl_ms":5'), ('"ttl_ms":5', '"ttl_ms":0'),
                           ("a", "a\nb"), ("a\nb", "a"), ("", "a"), ("a", ""), (f"at {THEN}", "at noon"), ("a\n...\nd", "a\nb"),
                           ('{"a":1,...}', '{"a":2,"b":2}'), ("2 items", "3 items")):
            with self.subTest(one):
                self.assertFalse(self.matches(one, other))

    def test_numbers_vary_where_that_is_said(self):
        self.assertTrue(self.matches("items   1000\nlag 3-4711", "items      7\nlag 1-2", True))
        self.assertFalse(self.matches("items 1000", "item 7", True))

    def test_an_id_is_the_same_one_on_the_whole_page(self):
        self.assertTrue(self.matches(f"id {ID_1}", f"id {ID_3}"))
        self.assertTrue(self.matches(f"again {ID_1}", f"again {ID_3}"))
        self.assertFalse(self.matches(f"again {ID_1}", f"again {ID_2}"))
        self.assertFalse(self.matches(f"another {ID_2}", f"another {ID_3}"), "two for one")
        self.assertFalse(self.matches(f"{ID_2} {ID_2}", f"{ID_1} {ID_2}"), "one for two")

    def test_commands_have_the_ids_and_times_of_this_run(self):
        self.assertTrue(self.matches(f"{ID_1} {THEN}", f"{ID_3} {NOW}"))
        self.assertEqual(self.bindings.command(f"curl {ID_1}?at={THEN}"), f"curl {ID_3}?at={NOW}")
        self.assertIsNone(self.bindings.unknown(f"curl {ID_1}?at={THEN}"))
        self.assertEqual(self.bindings.unknown(f"curl {ID_2}"), ID_2)


class Pages(unittest.TestCase):
    """Whole pages, without a service."""

    def setUp(self):
        self.top = tempfile.TemporaryDirectory(prefix="stockd-docs.")
        self.addCleanup(self.top.cleanup)

    def page(self, text):
        with open(os.path.join(self.top.name, "page.md"), "w") as out:
            out.write(text)
        page = run.Page(self.top.name, "page.md", tempfile.mkdtemp(dir=self.top.name))
        return page.run()

    def test_what_is_shown_comes(self):
        page = self.page("```\n$ word=two\n$ echo one; echo $word >&2\none\ntwo\n```\n```\ntest -d .\n```\n")
        self.assertEqual((page.passed, page.failures), (3, []))

    def test_what_does_not_come_fails(self):
        for text in ("```\n$ echo one\ntwo\n```\n", "```\n$ echo one\n```\n", "```\nfalse\ntrue\n```\n", "```python\n1/0\n```\n",
                     "<!-- docs-test: run\nfalse\n-->\n```\n$ :\n```\n", "<!-- docs-test: output varies -->\n```\n$ false\n```\n",
                     "```\n$ exit 3\n```\n", "```\n$ sudo true\n```\n", "<!-- docs-test: endless -->\n```\n$ echo one\ntwo\n```\n"):
            with self.subTest(text):
                self.assertEqual(len(self.page(text).failures), 1)

    def test_files_and_programs(self):
        page = self.page("<!-- docs-test: file a.txt -->\n```text\nA\n```\n```\n$ cat a.txt\nA\n```\n```python\nopen('a.txt')\n```\n")
        self.assertEqual((page.passed, page.failures), (2, []))

    def test_what_goes_on_for_ever_is_ended(self):
        page = self.page("```\n$ (sleep 0.3; echo b; sleep 1000) &\nb\n```\n"
                         "<!-- docs-test: endless -->\n```\n$ echo a; sleep 1000\na\n```\n```\n$ sleep 1000 &\n```\n")
        self.assertEqual((page.passed, page.failures), (3, []))
        self.assertEqual(page.session.members(page.session.leaders), [])

    def test_skipped_blocks_and_data_are_not_run(self):
        page = self.page("<!-- docs-test: skip because I say so -->\n```\nfalse\n```\n```json\n{}\n```\n")
        self.assertEqual((page.passed, page.failures, page.skipped), (0, [], 1))

    def test_a_page_is_written_as_it_came(self):
        page = self.page("1. a\n\n   ```\n   $ echo one\n   two\n   three\n   $ echo a...\n   a...\n   ```\n")
        page.write()
        with open(os.path.join(self.top.name, "page.md")) as text:
            self.assertEqual(text.read(), "1. a\n\n   ```\n   $ echo one\n   one\n   $ echo a...\n   a...\n   ```\n")


class Addresses(unittest.TestCase):
    def test_shown_addresses_become_those_of_the_run_and_back(self):
        with tempfile.TemporaryDirectory(prefix="stockd-docs.") as top:
            s = session.Session(top, os.path.join(top, "top"), "page")
            self.addCleanup(s.close)
            s.redis_port, s.postgres_port = 1001, 1002
            self.assertEqual(s.real("curl localhost:8080/v1 http://127.0.0.1:8080"),
                             f"curl localhost:{s.port}/v1 http://127.0.0.1:{s.port}")
            self.assertEqual(s.as_shown(f"on http://127.0.0.1:{s.port}"), "on http://127.0.0.1:8080")
            self.assertEqual(s.real("--redis redis://user:password@10.0.0.5:6379/0 --ledger postgresql://stockd@db/stock"),
                             "--redis redis://127.0.0.1:1001 --ledger postgresql://stockd@127.0.0.1:1002/stock")
            self.assertEqual(s.real("stockload run -n 1"), f"stockload run http://127.0.0.1:{s.port} -n 1")
            self.assertEqual(s.real("stockload run http://a:1 -n 1"), "stockload run http://a:1 -n 1")


class Counting(http.server.BaseHTTPRequestHandler):
    seen = []

    def log_message(self, *_):
        pass

    def do_POST(self):
        self.seen.append(self.headers["Idempotency-Key"])
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()


class Troubles(unittest.TestCase):
    def test_the_first_two_attempts_go_wrong_and_one_of_them_has_its_effect(self):
        server = http.server.HTTPServer(("127.0.0.1", 0), Counting)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        proxy = Trouble(server.server_address[1])

        def ask(key):
            client = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=60)
            try:
                client.request("POST", "/", headers={"Idempotency-Key": key})
                return client.getresponse().status
            except (http.client.HTTPException, OSError):
                return "cut"
            finally:
                client.close()
        self.assertEqual([ask(key) for key in "abcd"], [503, "cut", 503, "cut"])
        self.assertEqual(Counting.seen, [])
        self.assertEqual([ask(key) for key in "abcd"], ["cut", 504, "cut", 504])
        self.assertEqual(Counting.seen, list("abcd"))
        self.assertEqual([ask(key) for key in "abcd"], [201] * 4)
        self.assertEqual(proxy.made, 8)
        proxy.close()
        server.shutdown()
        server.server_close()


if __name__ == "__main__":
    unittest.main()

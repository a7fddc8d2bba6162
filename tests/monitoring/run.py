#!/usr/bin/env python3
"""run.py -- the alerts and the dashboard of docker/, on a real Prometheus.

1. promtool: the rules are well-formed, and fire when tests/monitoring/rules_test.yml says so.
2. Each alert has a severity, an anchor of docs/operations.md that is there, a line in that document's table, and a case
   in which it fires.
3. The files from which Grafana of docker-compose.yml takes its source and its dashboard name each other, and what is mounted.
4. A service is scraped while it is loaded: its metrics are as promtool wants them; every metric that a rule or the
   dashboard names is there; no query of the dashboard is empty; no alert fires.

Runs build/stockd, build/stockload and the YAML reader that YAML2JSON names, on loopback, and ends what it started. The status is 0 if all of it holds.
"""
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RULES = os.path.join(ROOT, "docker/prometheus/stockd.rules.yml")
CASES = os.path.join(ROOT, "tests/monitoring/rules_test.yml")
BOARD = os.path.join(ROOT, "docker/grafana/stockd.json")
RUNBOOK = "docs/operations.md"
LIMIT_S = 120
SEVERITIES = {"page", "ticket", "info"}
# Of the notation of Grafana: here the load lasts for seconds.
GRAFANA = {"$job": "stockd", "$__rate_interval": "10s"}

failures = []


def check(holds, what):
    print(f"{'ok  ' if holds else 'FAIL'} {what}", flush=True)
    if not holds:
        failures.append(what)


def promtool(*args, **more):
    done = subprocess.run(["promtool", *args], text=True, capture_output=True, **more)
    check(done.returncode == 0 and not done.stderr.strip(), "promtool " + " ".join(args[:2]))
    if done.returncode != 0 or done.stderr.strip():
        print(done.stdout, done.stderr)


def read(path):
    with open(os.path.join(ROOT, path)) as text:
        return text.read()


# --- what is written --------------------------------------------------------------------------------------------------


def anchors(page):
    """As GitHub makes them of headings."""
    heads = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def check_rules():
    promtool("check", "rules", RULES)
    promtool("test", "rules", CASES)
    page, cases = read(RUNBOOK), read(CASES)
    there, listed = anchors(page), set(re.findall(r"^\| `(Stockd\w+)`", page, re.MULTILINE))
    alerts = re.split(r"^      - alert: ", read(RULES), flags=re.MULTILINE)[1:]
    names = {alert.split("\n", 1)[0] for alert in alerts}
    for alert in alerts:
        name = alert.split("\n", 1)[0]
        severity = re.search(r"severity: (\w+)", alert)
        runbook = re.search(rf'runbook: "{re.escape(RUNBOOK)}#([^"]+)"', alert)
        check(severity and severity[1] in SEVERITIES, f"{name} has a severity of {sorted(SEVERITIES)}")
        check(runbook and runbook[1] in there, f"{name}: {RUNBOOK} has what to do")
        check(f'alertname="{name}"' in cases, f"{name} fires in a case of rules_test.yml")
    check(len(names) > 0 and names == listed, f"{RUNBOOK} lists the alerts that there are, and no others: {sorted(names ^ listed)}")


def read_yaml(path):
    done = subprocess.run([os.environ["YAML2JSON"]], input=read(path), text=True, capture_output=True)
    check(done.returncode == 0, f"{path} is YAML: {done.stderr.strip()}")
    return json.loads(done.stdout or "{}")


def mounts(service):
    """From where to where: volumes by their names, files of the repository by their paths."""
    return {to: source for source, to, *_ in (mount.split(":") for mount in service["volumes"])}


def uids(value):
    """Every source that a part of the dashboard names."""
    if isinstance(value, dict):
        if isinstance(value.get("datasource"), dict):
            yield value["datasource"]["uid"], value["datasource"]["type"]
        for part in value.values():
            yield from uids(part)
    elif isinstance(value, list):
        for part in value:
            yield from uids(part)


def check_provisioned():
    compose, board = read_yaml("docker-compose.yml")["services"], json.loads(read(BOARD))
    mounted, env = mounts(compose["grafana"]), compose["grafana"]["environment"]
    folder = mounted["/etc/grafana/provisioning"]
    sources = read_yaml(f"{folder}/datasources/prometheus.yml")["datasources"]
    provider = read_yaml(f"{folder}/dashboards/stockd.yml")["providers"][0]
    at = f"{provider['options']['path']}/stockd.json"
    check(os.path.normpath(mounted.get(at, "")) == os.path.relpath(BOARD, ROOT), f"{at} is the dashboard")
    check(env["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"] == at, "it is what Grafana shows first")

    target = urllib.parse.urlsplit(sources[0]["url"])
    check(len(sources) == 1 and sources[0]["isDefault"], "Grafana has one source, which dashboards take")
    check(target.hostname in compose["grafana"]["depends_on"] and compose[target.hostname]["ports"][0].endswith(f":{target.port}"),
          f"{sources[0]['url']} is a service of docker-compose.yml")
    chosen = {f"${{{v['name']}}}": v["query"] for v in board["templating"]["list"] if v["type"] == "datasource"}
    named = set(uids(board))
    check(named and all(chosen.get(uid, kind if uid == sources[0]["uid"] else None) == kind == sources[0]["type"] for uid, kind in named),
          f"what the dashboard names is that one, or one of its kind that is chosen: {sorted(named)}")

    folder, _, password = env["GF_SECURITY_ADMIN_PASSWORD__FILE"].rpartition("/")
    made = {source: to for to, source in mounts(compose["secrets"]).items()}
    check(f"make {made.get(mounted[folder])}/{password}\n" in read("docker/secrets.sh"), "docker/secrets.sh makes Grafana's password")


# --- what is served ---------------------------------------------------------------------------------------------------


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def get(url):
    with urllib.request.urlopen(url, timeout=LIMIT_S) as answer:
        return answer.read().decode()


def wait_until(what, holds):
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        try:
            if holds():
                return True
        except OSError:
            pass
        time.sleep(0.2)
    check(False, f"{what} within {LIMIT_S} s")
    return False


class Prometheus:
    def __init__(self, top, target):
        self.url = f"http://127.0.0.1:{free_port()}"
        rules = os.path.join(top, "rules.yml")
        shutil.copy(RULES, rules)
        config = os.path.join(top, "prometheus.yml")
        with open(config, "w") as out:
            json.dump({"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}, "rule_files": [rules],
                       "scrape_configs": [{"job_name": "stockd", "static_configs": [{"targets": [target]}]}]}, out)
        self.log = open(os.path.join(top, "prometheus.log"), "w")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={top}/tsdb",
             f"--web.listen-address={self.url[7:]}"], stdout=self.log, stderr=self.log)

    def ask(self, query):
        answer = json.loads(get(f"{self.url}/api/v1/query?" + urllib.parse.urlencode({"query": query})))
        return answer["data"]["result"]

    def rules(self):
        groups = json.loads(get(f"{self.url}/api/v1/rules"))["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]


def board_queries():
    board = json.loads(read(BOARD))
    for panel in board["panels"]:
        for target in panel["targets"]:
            query = target["expr"]
            for name, value in GRAFANA.items():
                query = query.replace(name, value)
            yield panel["title"], query


def check_served(prometheus, url):
    metrics = get(url + "/metrics")
    promtool("check", "metrics", input=metrics)
    served = set(re.findall(r"^(?:# TYPE )?(stockd_\w+)", metrics, re.MULTILINE))
    named = set(re.findall(r"\bstockd_\w+", read(RULES))) | set(re.findall(r"\bstockd_\w+", " ".join(q for _, q in board_queries())))
    check(named and named <= served, f"the service has every metric that is named: {sorted(named - served)}")
    for title, query in board_queries():
        check(prometheus.ask(query), f"the panel {title} shows something")
    rules = prometheus.rules()
    check(rules and all(rule["health"] == "ok" for rule in rules), "Prometheus can evaluate every rule")
    firing = [rule["name"] for rule in rules if rule["state"] == "firing"]
    check(not firing, f"nothing fires in a healthy service: {firing}")


def check_live(top):
    env = {name: value for name, value in os.environ.items() if not name.startswith(("STOCKD", "STOCKLOAD"))}
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    processes = []
    try:
        log = open(os.path.join(top, "stockd.log"), "w")
        processes.append(subprocess.Popen([f"{ROOT}/build/stockd", "serve", "--listen", url[7:], "--data-dir", f"{top}/data"],
                                          env=env, stdout=log, stderr=log))
        if not wait_until("the service is ready", lambda: get(url + "/readyz")):
            return
        prometheus = Prometheus(top, url[7:])
        processes.append(prometheus.process)
        load = subprocess.Popen([f"{ROOT}/build/stockload", "run", "--scenario", "mixed", "-c", "8", "--duration", "10m", url], env=env,
                                stdout=log, stderr=log)
        processes.append(load)
        # Rates need a while of the load; every query has its own first moment.
        wait_until("Prometheus has seen the load",
                   lambda: load.poll() is not None or all(prometheus.ask(query) for _, query in board_queries()))
        check_served(prometheus, url)
        check(load.poll() is None, "the load went on meanwhile")
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait()


def main():
    check_rules()
    check_provisioned()
    top = tempfile.mkdtemp(prefix="stockd-monitoring.")
    try:
        check_live(top)
        if failures:
            for name in ("stockd.log", "prometheus.log"):
                path = os.path.join(top, name)
                print(f"--- {name}\n" + (open(path).read()[-4000:] if os.path.exists(path) else ""))
    finally:
        shutil.rmtree(top)
    print(f"{len(failures)} failed")
    return 1 if failures else 0


sys.exit(main())

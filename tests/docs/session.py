"""What one page needs while it is run: a directory, a shell in it, a service, a Redis, and the ports of all of them.

Nothing outside of the directory is written. What was started is ended, by its process id: the service and Redis by
close(), and whatever the page's own commands left by the sessions that their shells lead.
"""
import glob
import http.client
import os
import pwd
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request

from trouble import Trouble

LIMIT_S = 180
# Set by a signal: whatever waits gives up.
leaving = threading.Event()
# What the shown host and port of the service may look like, and those of `stockd ledger`.
SHOWN = re.compile(r"\b(localhost|127\.0\.0\.1):(8080|9090)\b")
SHOWN_POSTGRES = re.compile(r"postgresql://stockd@db/stock\b")
SHOWN_REDIS = re.compile(r"redis://(?:user:password@)?(?:10\.0\.0\.5|127\.0\.0\.1)(?::6379)?(?:/0)?(?![\w:/])")
# These have an address of the service by default.
NO_URL = re.compile(r"(\bstockload (?:run|capacity)\b)(?![^|;&\n]*http://)")


class Failed(Exception):
    """The page cannot go on."""


def free_port():
    """A port below those that the kernel gives to clients, so that nobody takes it by chance while a service restarts."""
    for _ in range(200):
        port = random.randint(15000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass
    raise Failed("no free port")


def connects(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def not_root():
    """The user for PostgreSQL, which refuses root; None: the one that runs this."""
    names = {user.pw_name for user in pwd.getpwall()}
    return None if os.getuid() != 0 else "postgres" if "postgres" in names else "nobody"


def wait_until(what, held, limit=LIMIT_S):
    end = time.monotonic() + limit
    while not held():
        if leaving.is_set():
            raise Failed("interrupted")
        if time.monotonic() > end:
            raise Failed(f"{what}: not within {limit} s")
        time.sleep(0.02)


class Session:
    def __init__(self, root, top, name):
        """`root` is the repository; the page's directory is made in `top`."""
        self.dir, self.hidden = os.path.join(top, name), os.path.join(top, name + ".run")
        os.makedirs(self.dir)
        os.makedirs(os.path.join(self.hidden, "bin"))
        for entry in os.listdir(root):
            if not entry.startswith(".") and entry not in ("stockd-data", "demo-out", "out"):
                os.symlink(os.path.join(root, entry), os.path.join(self.dir, entry))
        for program in ("stockd", "stockload"):
            os.symlink(os.path.join(root, "build", program), os.path.join(self.hidden, "bin", program))
        with open(os.path.join(self.hidden, ".curlrc"), "w") as rc:
            rc.write("silent\nshow-error\n")  # as on a terminal, where curl shows no progress
        self.port, self.ledger_port = free_port(), free_port()
        self.redis_port = self.postgres_port = self.proxy_port = None
        self.service = self.redis = self.postgres = None
        self.count = 0
        self.env = {name: value for name, value in os.environ.items()
                    if not name.startswith(("STOCKD", "STOCKLOAD", "MAKE", "MFLAGS"))}
        # FAKETTY: redis-cli writes as to a terminal.
        self.env.update(HOME=self.hidden, FAKETTY="1", LC_ALL="C.UTF-8", TZ="UTC", PYTHONDONTWRITEBYTECODE="1",
                        PATH=os.path.join(self.hidden, "bin") + ":" + os.environ["PATH"],
                        STOCKD_LISTEN=f"127.0.0.1:{self.port}", STOCKD_URL=f"http://127.0.0.1:{self.port}",
                        # A machine that stands still is no failure: tests/support/service.h has the same.
                        STOCKD_REQUEST_TIMEOUT="20s")
        self.shell = subprocess.Popen(["bash", "--noprofile", "--norc"], cwd=self.dir, env=self.env, text=True,
                                      stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                      start_new_session=True)
        self.leaders, self.files = {self.shell.pid}, {}

    # --- addresses ----------------------------------------------------------------------------

    def real(self, text):
        """What the page shows, with the addresses of this run."""
        port = self.proxy_port or self.port
        text = SHOWN.sub(lambda m: f"{m.group(1)}:{port if m.group(2) == '8080' else self.ledger_port}", text)
        text = NO_URL.sub(rf"\1 http://127.0.0.1:{port}", text)
        if self.redis_port:
            text = SHOWN_REDIS.sub(f"redis://127.0.0.1:{self.redis_port}", text)
        if self.postgres_port:
            text = SHOWN_POSTGRES.sub(f"postgresql://stockd@127.0.0.1:{self.postgres_port}/stock", text)
        return text

    def as_shown(self, text):
        for port, name in (self.port, 8080), (self.proxy_port, 8080), (self.ledger_port, 9090):
            if port:
                text = re.sub(rf"\b(localhost|127\.0\.0\.1):{port}\b", rf"\1:{name}", text)
        return text.replace(self.dir + "/", "").replace(self.dir, ".")

    def write(self, name, text):
        self.files[name] = text
        with open(os.path.join(self.dir, name), "w") as out:
            out.write(self.real(text))

    def put_proxy(self, port):
        """From now on the service's address is that of the proxy; None: its own again."""
        self.proxy_port = port
        for name, text in self.files.items():
            self.write(name, text)

    # --- the shell ----------------------------------------------------------------------------

    def tell(self, line):
        try:
            self.shell.stdin.write(line + "\n")
            self.shell.stdin.flush()
        except BrokenPipeError:
            pass  # who waits for what it does will see that it has ended

    def path(self, name):
        return os.path.join(self.hidden, f"{self.count}.{name}")

    def output(self):
        try:
            with open(self.path("out"), encoding="utf-8", errors="replace") as out:
                return self.as_shown(out.read())
        except FileNotFoundError:
            return ""

    def prepare(self, command):
        self.count += 1
        with open(self.path("sh"), "w") as script:
            script.write(self.real(command) + "\n")

    def run(self, command, apart=False):
        """(exit status, what it printed) of a command of the page's shell; `apart`: it ends at its first failure."""
        self.prepare(command)
        script = f"bash -e '{self.path('sh')}'" if apart else f". '{self.path('sh')}'"
        self.tell(f"{script} >'{self.path('out')}' 2>&1 </dev/null; echo $? >'{self.path('new')}'; "
                  f"mv '{self.path('new')}' '{self.path('rc')}'")
        wait_until(f"\"{command}\" has printed\n{self.output()}\nand its end", self.has_ended)
        with open(self.path("rc")) as status:
            return int(status.read()), self.output()

    def wait_for_output(self, enough):
        """What the last command, which is still at it, had printed when enough(that) held, or at the limit."""
        end = time.monotonic() + LIMIT_S / 3
        while not enough(self.output()) and time.monotonic() < end:
            time.sleep(0.05)
        return self.output()

    def has_ended(self):
        if self.shell.poll() is not None:
            raise Failed("a command has ended the page's shell")
        return os.path.exists(self.path("rc"))

    def run_until(self, command, enough):
        """What a command had printed when enough(that) held, or when it did not within the limit; then it is ended. It
        has a shell of its own."""
        self.prepare(command)
        with open(self.path("out"), "w") as out:
            shell = subprocess.Popen(["bash", self.path("sh")], cwd=self.dir, env=self.env, start_new_session=True,
                                     stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        self.leaders.add(shell.pid)
        end = time.monotonic() + LIMIT_S / 3
        while not (self.output().strip() and enough(self.output())) and time.monotonic() < end and shell.poll() is None:
            time.sleep(0.05)
        printed = self.output()
        self.end_all({shell.pid})
        shell.wait()
        self.leaders.remove(shell.pid)
        return printed

    # --- servers ------------------------------------------------------------------------------

    def server(self, command, name, place, **as_user):
        with open(os.path.join(self.hidden, name + ".out"), "w") as out, \
                open(os.path.join(self.hidden, name + ".err"), "w") as err:
            return subprocess.Popen(["sh", "-c", "exec " + command], cwd=place, env=self.env, stdin=subprocess.DEVNULL,
                                    stdout=out, stderr=err, start_new_session=True, **as_user)

    def said(self, name):
        with open(os.path.join(self.hidden, name)) as text:
            return self.as_shown(text.read())

    def start_service(self, options):
        self.stop_services()
        shutil.rmtree(os.path.join(self.dir, "stockd-data"), ignore_errors=True)
        self.service = self.server(f"stockd serve {self.real(options)}", "service", self.dir)
        try:
            wait_until("the service", lambda: self.service_has_ended() or (self.said("service.out") and self.is_ready()))
        except Failed as why:
            raise Failed(f"{why}:\n{self.said('service.err')}") from None
        if self.service_has_ended():
            raise Failed("the service did not start:\n" + self.said("service.err"))

    def stop_services(self):
        """That of the page's marks, and whatever its commands have left in the background."""
        self.end_all(self.leaders)
        self.tell("wait")  # so that the shell speaks of their end now, to nobody, and not in a command's output
        self.stop_service()

    def service_has_ended(self):
        return self.service.poll() is not None

    def is_ready(self):
        """Whichever it speaks. Its certificate is the page's own."""
        return any(self.says_ready(scheme) for scheme in ("http", "https"))

    def says_ready(self, scheme):
        anybody = ssl.create_default_context()
        anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
        try:
            with urllib.request.urlopen(f"{scheme}://127.0.0.1:{self.port}/readyz", timeout=20, context=anybody) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError, http.client.HTTPException):
            return False

    def printed_by_service(self):
        return self.said("service.out")

    def stop_service(self):
        service, self.service = self.service, None
        if not service:
            return
        service.terminate()
        try:
            status = service.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            service.kill()
            raise Failed("the service did not stop") from None
        if status != 0:
            raise Failed(f"the service ended with {status}:\n" + self.said("service.err"))

    def start_redis(self, options):
        self.stop_redis()
        self.redis_port = free_port()
        self.redis = self.server(f"redis-server --port {self.redis_port} --bind 127.0.0.1 --save '' {options}", "redis",
                                 self.hidden)
        wait_until("redis", lambda: self.redis.poll() is not None or connects(self.redis_port))

    def stop_redis(self):
        redis, self.redis = self.redis, None
        if redis:
            redis.terminate()
            redis.wait(LIMIT_S)

    def start_postgres(self):
        """A cluster of its own, by a user who is not root, with the empty database that the pages write to."""
        programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
        if not programs:
            raise Failed("there is no /usr/lib/postgresql/*/bin")
        self.postgres_port = free_port()
        place, user = os.path.join(self.hidden, "postgres"), not_root()
        os.mkdir(place, 0o700)
        if user:
            shutil.chown(place, user)
        as_user = dict(user=user, group=pwd.getpwnam(user).pw_gid, extra_groups=[]) if user else {}

        def run(command):
            return self.server(f"{programs[-1]}/{command}", command.split()[0], "/", **as_user).wait(LIMIT_S)
        data, at = os.path.join(place, "data"), f"-h 127.0.0.1 -p {self.postgres_port}"
        if run(f"initdb -N -U stockd -A trust -D {data}") != 0:
            raise Failed("initdb failed:\n" + self.said("initdb.err"))
        self.postgres = self.server(f"{programs[-1]}/postgres -D {data} -F {at} -k {place}", "postgres", "/", **as_user)
        wait_until("postgres", lambda: self.postgres.poll() is not None or run(f"createdb {at} -U stockd stock") == 0)

    def stop_postgres(self):
        postgres, self.postgres = self.postgres, None
        if postgres:
            postgres.send_signal(signal.SIGINT)
            postgres.wait(LIMIT_S)

    def through_faults(self):
        """Until it is closed, what asks the service asks a proxy that makes trouble."""
        return Troubled(self)

    # --- the end ------------------------------------------------------------------------------

    def end_all(self, leaders):
        """SIGTERM, and later SIGKILL, to all processes of these sessions but the shell of the page."""
        def signal_all(number):
            for pid in self.members(leaders):
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
        signal_all(signal.SIGTERM)
        end = time.monotonic() + LIMIT_S / 3
        while self.members(leaders):
            if time.monotonic() > end:
                signal_all(signal.SIGKILL)
            time.sleep(0.02)

    def members(self, leaders):
        """The living processes of these sessions, without the shell of the page."""
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/stat") as stat:
                    state = stat.read().rpartition(")")[2].split()[0]
                pid = int(name)
                if state != "Z" and os.getsid(pid) in leaders and pid != self.shell.pid:
                    found.append(pid)
            except OSError:
                pass
        return found

    def close(self):
        try:
            self.stop_services()
        finally:
            self.shell.kill()
            self.shell.communicate()
            self.stop_redis()
            self.stop_postgres()


class Troubled:
    def __init__(self, session):
        self.session = session

    def __enter__(self):
        self.proxy = Trouble(self.session.port)
        self.session.put_proxy(self.proxy.port)
        return self.proxy

    def __exit__(self, *_):
        self.session.put_proxy(None)
        self.proxy.close()

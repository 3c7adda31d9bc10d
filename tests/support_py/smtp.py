"""A mail server for tests: SMTP with STARTTLS and AUTH PLAIN, on a port of the kernel's choice.

    with MailServer() as mail:                 # plain, for this machine only
    with MailServer(tls=directory) as mail:    # makes a certificate there: mail.ca
        mail.url                               # smtp://127.0.0.1:PORT
        got = mail.next()                      # {"from", "to", "mail": email.message, "auth"}
"""
import base64
import email
import email.policy
import pathlib
import queue
import socketserver
import ssl
import subprocess
import threading


def make_certificate(directory):
    directory = pathlib.Path(directory)
    key, cert = directory / "mail.key", directory / "mail.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)],
                   check=True, capture_output=True)
    return cert, key


class Talk(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")
        self.wfile.flush()

    def hear(self):
        return self.rfile.readline().decode("utf-8", "replace").rstrip("\r\n")

    def start_tls(self):
        self.say("220 go ahead")
        self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb")
        self.encrypted = True

    def authenticate(self, rest):
        words = rest.split()
        if len(words) < 2:
            self.say("334 ")
            words.append(self.hear())
        _, user, password = base64.b64decode(words[1]).decode().split("\0")
        self.auth = (user, password, self.encrypted)
        good = self.server.account is None or (user, password) == self.server.account
        self.say("235 welcome" if good else "535 wrong user or password")

    def take_data(self, sender, to):
        self.say("354 go on")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        mail = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
        self.server.got.put({"from": sender, "to": to, "mail": mail, "auth": self.auth, "encrypted": self.encrypted})
        self.say("250 taken")

    def handle(self):
        self.encrypted, self.auth = False, None
        sender, to = None, []
        self.say("220 test")
        while line := self.hear():
            verb, _, rest = line.partition(" ")
            verb = verb.upper()
            if verb == "EHLO":
                offers = ["test"] + (["STARTTLS"] if self.server.tls and not self.encrypted else [])
                offers += ["AUTH PLAIN"] if self.encrypted or not self.server.tls else []
                for i, offer in enumerate(offers):
                    self.say(f"250{' ' if i == len(offers) - 1 else '-'}{offer}")
            elif verb == "STARTTLS":
                self.start_tls()
            elif verb == "AUTH":
                self.authenticate(rest)
            elif verb == "MAIL":
                sender = rest
                self.say(self.server.refuse or "250 ok")
            elif verb == "RCPT":
                to.append(rest.split(":", 1)[1].strip("<>"))
                self.say("250 ok")
            elif verb == "DATA":
                self.take_data(sender, to)
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")


class MailServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True

    def __init__(self, tls=None, account=None):
        super().__init__(("127.0.0.1", 0), Talk)
        self.got, self.refuse, self.account, self.tls, self.ca = queue.Queue(), None, account, None, None
        if tls:
            self.ca, key = make_certificate(tls)
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(self.ca, key)
        self.url = f"smtp://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def next(self, seconds=60):
        return self.got.get(timeout=seconds)

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

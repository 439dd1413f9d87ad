"""A small IMAP server over a real socket: as much of RFC 3501 as a mail program needs to read and empty a folder."""

import re
import socketserver
import threading


class Folder:
    """Mails by their uid; those marked as deleted go at the next EXPUNGE."""

    def __init__(self):
        self.mails, self.deleted, self.refuses_login, self.fetched_bytes = {}, set(), False, 0
        self.lock = threading.Lock()

    def deliver(self, *mails):
        with self.lock:
            for mail in mails:
                self.mails[max(self.mails, default=0) + 1] = mail


class Session(socketserver.StreamRequestHandler):
    def handle(self):
        self.say(b"* OK ready")
        for line in self.rfile:
            tag, _space, rest = line.strip().partition(b" ")
            command = rest.upper()
            if command.startswith(b"UID "):
                command, rest = command[4:], rest[4:]
            name = command.split(b" ")[0].decode().lower()
            with self.server.folder.lock:
                answer = getattr(self, f"do_{name}")(rest.decode())
            self.say(tag + b" " + (answer or b"OK done"))
            if name == "logout":
                return

    def say(self, line):
        self.wfile.write(line + b"\r\n")

    def do_capability(self, _rest):
        self.say(b"* CAPABILITY IMAP4rev1")

    def do_login(self, rest):
        user, password = re.findall(r'"?([^" ]+)"?', rest)[1:3]
        if self.server.folder.refuses_login or (user, password) != ("replies", "secret"):
            return b"NO [AUTHENTICATIONFAILED] replies@example.com may not"

    def do_select(self, rest):
        if '"INBOX"' not in rest:
            return b"NO no such folder"
        self.say(b"* %d EXISTS" % len(self.server.folder.mails))
        return b"OK [READ-WRITE] selected"

    def do_search(self, _rest):
        folder = self.server.folder
        self.say(b"* SEARCH " + b" ".join(b"%d" % uid for uid in sorted(folder.mails) if uid not in folder.deleted))

    def do_fetch(self, rest):
        uid, most = map(int, re.match(r"FETCH (\d+) \(BODY\.PEEK\[\]<0\.(\d+)>\)", rest).groups())
        mail = self.server.folder.mails.get(uid)
        if mail is not None:
            part = mail[:most]
            self.server.folder.fetched_bytes += len(part)
            self.say(b"* %d FETCH (UID %d BODY[]<0> {%d}\r\n%s)" % (uid, uid, len(part), part))

    def do_store(self, rest):
        uid = int(re.match(r"STORE (\d+) \+FLAGS \(\\Deleted\)", rest)[1])
        if uid in self.server.folder.mails:
            self.server.folder.deleted.add(uid)

    def do_expunge(self, _rest):
        folder = self.server.folder
        for uid in folder.deleted:
            folder.mails.pop(uid, None)
        folder.deleted.clear()

    def do_logout(self, _rest):
        self.say(b"* BYE")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address, daemon_threads = True, True

    def __init__(self):
        self.folder = Folder()
        super().__init__(("127.0.0.1", 0), Session)

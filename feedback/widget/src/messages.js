// Messages to the server: kept on the device until they arrived. A message is {path, at, body}. Every body about an
// answer says all that was said so far, under one submission_id and with a rising seq: whichever arrive, in whatever
// order and however often, the server ends with the last.

const LATE = 60e3;
const TOO_LATE = 30 * 864e5;

function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = Array.from(bytes, (byte) => (byte + 256).toString(16).slice(1)).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function unsentMessages(key) {
  try {
    return JSON.parse(localStorage.getItem(key)) || [];
  } catch {
    return [];
  }
}

function keep(key, messages) {
  try {
    if (messages.length) localStorage.setItem(key, JSON.stringify(messages));
    else localStorage.removeItem(key);
  } catch {
    // Nothing can be kept here: the message then has this page's life to arrive in.
  }
}

function put(key, message) {
  keep(key, [...unsentMessages(key).filter(({ path }) => path !== message.path), message]);
}

function forget(key, message) {
  const isDone = ({ path, body }) => path === message.path && !(body.seq > message.body.seq);
  keep(key, unsentMessages(key).filter((each) => !isDone(each)));
}

const addressOf = (home, message) => home + "api/v1/invitations/" + message.path;

const isLate = ({ at }) => Date.now() - at > LATE;

function textOf({ at, body }, saysWhen) {
  return JSON.stringify(saysWhen ? { ...body, answered_at: new Date(at).toISOString() } : body);
}

// Resolves to the server's answer, or to null where it refused for good; rejects where it makes sense to try again.
async function deliver(home, key, message, saysWhen = isLate(message)) {
  const response = await fetch(addressOf(home, message), {
    method: "POST",
    body: textOf(message, saysWhen),
    credentials: "omit",
    redirect: "error",
    keepalive: true,
  });
  // A clock that is years off must not cost an answer.
  if (response.status === 400 && saysWhen) return deliver(home, key, message, false);
  if (response.status === 429 || response.status >= 500) throw response.status;
  const answer = response.ok && response.status !== 204 ? await response.json() : null;
  forget(key, message);
  return answer;
}

export async function deliverAll(home, key) {
  addEventListener("online", () => deliverAll(home, key).catch(() => {}), { once: true });
  let failed;
  for (const message of unsentMessages(key)) {
    if (Date.now() - message.at > TOO_LATE) forget(key, message);
    else await deliver(home, key, message).catch((problem) => (failed = problem));
  }
  if (failed) throw failed;
}

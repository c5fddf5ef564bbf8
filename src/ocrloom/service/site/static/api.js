// The HTTP API of this server, and what its problems mean in plain words.

const PLAIN = {
  network: "The server cannot be reached. It is tried again when you do it again.",
  unauthorized: "This key is not accepted. Sign in again.",
  image_too_large: "This file is too large for this server.",
  format_error: "This is no image or PDF that can be read.",
  damaged_image: "This file is damaged.",
  password_error: "This PDF wants a password.",
  source_empty: "This file is empty.",
  service_busy: "The server is busy. Try again in a moment.",
  service_unavailable: "The server is ending or restarting. Try again in a moment.",
  unknown_language: "This server does not know one of the languages.",
  language_not_installed: "One of the languages is not installed on this server.",
  job_not_found: "This is not there any more.",
  job_expired: "What was read is kept for a while only, which is over.",
  not_in_library: "This is not in the library any more.",
};

/** A message of the server as a sentence. */
export function sentence(text) {
  // Names of files, with which some begin, stay as they are.
  const begun = /^[a-z]+[ ,]/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}

/** What the server answered instead of what was asked for. */
export class Problem extends Error {
  constructor(status, body = {}, retry = null) {
    const plain = PLAIN[body.code];
    const detail = body.detail || body.title || `The server answered with status ${status}.`;
    super(plain ?? sentence(detail));
    this.status = status;
    this.code = body.code ?? "";
    this.detail = plain && body.detail ? sentence(body.detail) : "";
    this.retry = retry;
  }

  /** Whether the same request may go well later. */
  get passing() {
    return this.status === 429 || this.status === 503 || this.status === 0;
  }
}

/** The error of a job, in plain words. */
export const plainly = (error) => (error ? (PLAIN[error.code] ?? sentence(error.detail)) : "");

/** The same as the server tells it, where that says more. */
export const exactly = (error) => (error && PLAIN[error.code] ? sentence(error.detail) : "");

function made(status, text, retry) {
  let body = {};
  try {
    body = JSON.parse(text);
  } catch {
    // A proxy's page, for instance: the status has to do.
  }
  if (status === 401)
    location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
  return new Problem(status, body, retry === null ? null : Number(retry) || null);
}

/** The answer to a request that went well. */
async function answered(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { code: "network" });
  }
  if (!answer.ok) throw made(answer.status, await answer.text(), answer.headers.get("Retry-After"));
  return answer;
}

/** The JSON document that a request is answered with, or null where the answer has no body. */
export async function ask(path, { method = "GET", signal } = {}) {
  const answer = await answered(path, { method, signal, headers: { Accept: "application/json" } });
  return answer.status === 204 ? null : answer.json();
}

/** Deletes something; what is gone already is as good as deleted. */
export async function forget(path) {
  try {
    await ask(path, { method: "DELETE" });
  } catch (problem) {
    if (problem.status !== 404 && problem.status !== 410) throw problem;
  }
}

/** The file that an address gives, and its name. */
export async function download(path) {
  const answer = await answered(path);
  return { blob: await answer.blob(), name: nameOf(answer.headers.get("Content-Disposition")) };
}

/** The name of a file in a header; what is in quotes there is for old programs. */
function nameOf(header) {
  const encoded = /filename\*=UTF-8''([^;]+)/i.exec(header ?? "");
  return encoded ? decodeURIComponent(encoded[1]) : (/filename="([^"]*)"/.exec(header)?.[1] ?? "");
}

/** Calls `gone` when nobody sees the page any more, and `back` when somebody does again. */
export function whileSeen(back, gone) {
  document.addEventListener("visibilitychange", () => (document.hidden ? gone() : back()));
  addEventListener("pagehide", gone);
  addEventListener("pageshow", (event) => event.persisted && back());
}

/** Sends a form with a file; tells how much of it is sent, 0 to 1, which `fetch` cannot. */
export function send(form, { key, onsent, signal }) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/v1/jobs");
    request.setRequestHeader("Idempotency-Key", key);
    request.upload.onprogress = (event) =>
      event.lengthComputable && onsent(event.loaded / event.total);
    request.onload = () => {
      const { status, responseText } = request;
      if (status >= 200 && status < 300) done(JSON.parse(responseText));
      else failed(made(status, responseText, request.getResponseHeader("Retry-After")));
    };
    request.onerror = () => failed(new Problem(0, { code: "network" }));
    request.onabort = () => failed(new DOMException("stopped", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

/** A name for a request that nothing else has, so that sending it twice makes one job. */
export function fresh() {
  const parts = crypto.getRandomValues(new Uint32Array(4));
  return Array.from(parts, (part) => part.toString(36)).join("-");
}

export const ENDED = new Set(["succeeded", "partial", "failed", "canceled"]);

// Not "queued", which is the first of what is told again to who comes later.
const KINDS = [
  "started",
  "requeued",
  "progress",
  "page",
  "page_failed",
  "canceling",
  "succeeded",
  "partial",
  "failed",
  "canceled",
];

/** Calls `heard(kind, data)` for what happens to a job until it ends; gives what stops that. */
export function follow(id, heard) {
  let stream = null;
  let waiting = 0;
  let stopped = false;
  const stop = () => {
    stopped = true;
    clearTimeout(waiting);
    stream?.close();
  };
  const open = () => {
    stream = new EventSource(`/v1/jobs/${id}/events?content=none`);
    for (const kind of KINDS) {
      stream.addEventListener(kind, (event) => {
        if (ENDED.has(kind)) stop();
        heard(kind, JSON.parse(event.data));
      });
    }
    stream.onerror = () => {
      // The browser tries again by itself, but not after an answer that is no stream.
      if (stream.readyState === EventSource.CLOSED) waiting = setTimeout(again, 3000);
    };
  };
  const again = async () => {
    try {
      await ask(`/v1/jobs/${id}`);
    } catch (problem) {
      if (!problem.passing) return; // it is gone, or not ours any more
    }
    if (!stopped) open();
  };
  open();
  return stop;
}

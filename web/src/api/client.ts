// One door to the server: JSON in and out, the CSRF header, errors as values that
// teach, and asking for the password again where the server wants a fresh one.

import { takeEarly } from "./early";
import { noteAnswer } from "./heard";
import { ROOT } from "./root";

export interface ErrorBody {
  code: string;
  message: string;
  where?: string;
  cause?: string;
  hint?: string;
  id?: string;
}

export class ApiError extends Error {
  constructor(readonly status: number, readonly body: ErrorBody, readonly more: ErrorBody[] = []) {
    super(body.message);
  }
  get code(): string {
    return this.body.code;
  }
}

export { ROOT } from "./root";

let csrf: string | null = null;
let onSignedOut: () => void = () => {};
let askPassword: () => Promise<boolean> = () => Promise.resolve(false);

export function setCsrf(token: string | null): void {
  csrf = token;
}
/** Who is told that the session has ended. */
export function onSessionEnd(told: () => void): void {
  onSignedOut = told;
}
/** Who asks for the password again; resolves to whether it was given. */
export function onProofWanted(ask: () => Promise<boolean>): void {
  askPassword = ask;
}

export function seg(text: string | number): string {
  return encodeURIComponent(String(text));
}

export function withQuery(path: string, query: Record<string, string | number | boolean | null | undefined>): string {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== null && value !== undefined && value !== "") pairs.set(name, String(value));
  const text = pairs.toString();
  return text ? `${path}?${text}` : path;
}

async function toError(answer: Response): Promise<ApiError> {
  try {
    const body = (await answer.json()) as { error: ErrorBody; errors?: ErrorBody[] };
    return new ApiError(answer.status, body.error, body.errors);
  } catch {
    return new ApiError(answer.status, { code: "http", message: `The server answered ${answer.status}.` });
  }
}

async function send(method: string, path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = {};
  const bytes = body instanceof Blob;
  if (method !== "GET" && csrf) headers["X-Argil-CSRF"] = csrf;
  if (bytes) headers["Content-Type"] = "application/octet-stream";
  else if (body !== undefined) headers["Content-Type"] = "application/json";
  try {
    const begun = method === "GET" ? takeEarly(path) : undefined;
    if (begun) return await begun;
    return await fetch(ROOT + path, {
      method,
      headers,
      body: bytes ? body : body === undefined ? null : JSON.stringify(body),
      signal: signal ?? null,
      credentials: "same-origin",
    });
  } catch (problem) {
    if (signal?.aborted) throw problem;
    throw new ApiError(0, {
      code: "offline",
      message: "Argil cannot be reached.",
      hint: "Is the server running? The page tries again by itself.",
    });
  }
}

export async function request<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  let answer = await send(method, path, body, signal);
  if (!answer.ok) {
    let problem = await toError(answer);
    if (problem.code === "auth.prove" && (await askPassword())) {
      answer = await send(method, path, body, signal);
      if (!answer.ok) problem = await toError(answer);
    }
    if (!answer.ok) {
      if (problem.code === "auth.needed") onSignedOut();
      throw problem;
    }
  }
  noteAnswer(answer.headers.get("X-Argil-Events"));
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

export const get = <T>(path: string, signal?: AbortSignal): Promise<T> => request<T>("GET", path, undefined, signal);
export const post = <T>(path: string, body?: unknown): Promise<T> => request<T>("POST", path, body);
export const put = <T>(path: string, body?: unknown): Promise<T> => request<T>("PUT", path, body);
export const patch = <T>(path: string, body?: unknown): Promise<T> => request<T>("PATCH", path, body);
export const remove = <T = void>(path: string): Promise<T> => request<T>("DELETE", path);

/** The one way to the server: typed by its own OpenAPI document, with errors as `ApiProblem`. */
import createClient, { type Middleware } from "openapi-fetch";
import { connectionLost, connectionUp } from "./connection";
import type { Problem, paths } from "./schema";
import { sessionEnded, sessionHeaders } from "./session";

/** What the server answered instead of the good answer: a code, a sentence, and what to do next. */
export class ApiProblem extends Error {
  readonly code: string;
  readonly remedy: string;
  readonly status: number;

  constructor(problem: Problem, status: number) {
    super(problem.message);
    this.name = "ApiProblem";
    this.code = problem.code;
    this.remedy = problem.remedy;
    this.status = status;
  }
}

/** The server did not answer at all. */
export class Unreachable extends Error {
  constructor() {
    super("The Sterna server does not answer.");
    this.name = "Unreachable";
  }
}

const watchAnswers: Middleware = {
  onRequest({ request }) {
    for (const [name, value] of sessionHeaders(request.method)) request.headers.set(name, value);
    return request;
  },
  onResponse({ response, schemaPath }) {
    connectionUp();
    if (response.status === 401 && !schemaPath.includes("/session")) sessionEnded();
  },
  onError() {
    connectionLost();
    return new Unreachable();
  },
};

export const api = createClient<paths>({ baseUrl: "/", credentials: "same-origin" });
api.use(watchAnswers);

interface Answer<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

/** The data of an answer. Throws ApiProblem, or Unreachable. */
export async function ask<Data>(answer: Promise<Answer<Data>>): Promise<Data> {
  const { data, error, response } = await answer;
  if (error !== undefined || !response.ok) throw toProblem(error, response.status);
  return data as Data;
}

function toProblem(error: unknown, status: number): ApiProblem {
  if (isProblem(error)) return new ApiProblem(error, status);
  const message = `The server answered ${status} without saying why.`;
  return new ApiProblem({ code: "Unknown", message, remedy: "See the log of the server." }, status);
}

function isProblem(error: unknown): error is Problem {
  return typeof error === "object" && error !== null && "code" in error && "message" in error;
}

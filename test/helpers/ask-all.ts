import { createHttpWorkerApi } from "../../src/adapters/worker-api/http.ts";
import { codeOf } from "./code-of.ts";
import type { AnswerWithOutput } from "../../src/wire/execution-json.ts";
import type { SignedRequest } from "../../src/wire/execution-request.ts";
import type { SceneWorker } from "./scene-worker.ts";

const api = createHttpWorkerApi();

/** One worker's answer, over HTTP. */
export async function ask(worker: SceneWorker, signed: SignedRequest): Promise<AnswerWithOutput> {
  return await api.execute(worker.url, signed);
}

/** The answers of all workers, asked at once. */
export async function askAll(workers: readonly SceneWorker[], signed: SignedRequest): Promise<AnswerWithOutput[]> {
  return await Promise.all(workers.map((worker) => ask(worker, signed)));
}

/** The code that one worker refuses a request with; undefined when it answers. */
export async function refusalOf(worker: SceneWorker, signed: SignedRequest): Promise<string | undefined> {
  return await codeOf(ask(worker, signed));
}

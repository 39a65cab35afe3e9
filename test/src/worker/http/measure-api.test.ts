import { expect } from "chai";

import { noMetrics } from "../../../../src/adapters/metrics/none.ts";
import { SprfError } from "../../../../src/errors.ts";
import type { WorkerApiComponents } from "../../../../src/worker/http/api.ts";
import { measureApi } from "../../../../src/worker/http/measure-api.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { createManualClock } from "../../../helpers/manual-clock.ts";

const NOTHING = undefined as never;

describe("measureApi", () => {
  it("should count answers, refusals by code, signatures, and how long each took", async () => {
    const clock = createManualClock();
    const counted: string[] = [];
    const metrics = {
      ...noMetrics,
      count: (name: string, labels = {}) => void counted.push([name, ...Object.values(labels)].join(" ")),
      observe: (name: string, seconds: number, labels = {}) =>
        void counted.push([name, seconds, ...Object.values(labels)].join(" ")),
    };
    const work: Pick<WorkerApiComponents, "execute" | "endorse" | "consent"> = {
      async execute() {
        await clock.sleep(2_500);
        return {
          signed: { answer: { status: "accepted" }, transactionSignature: new Uint8Array(64) },
        } as unknown as Awaited<ReturnType<WorkerApiComponents["execute"]>>;
      },
      endorse: async () => ({ kind: "failed", requests: [] }),
      async consent() {
        throw new SprfError("SEQUENCE_MOVED", "it has");
      },
    };
    const api = measureApi(work, { metrics, clock });
    const answer = api.execute(NOTHING);
    await clock.advance(2_500);
    await answer;
    await api.endorse(NOTHING);
    expect(await codeOf(api.consent(NOTHING))).to.equal("SEQUENCE_MOVED");
    expect(counted).to.deep.equal([
      "sprf_worker_requests_total execution OK",
      "sprf_worker_request_seconds 2.5 execution",
      "sprf_worker_executions_total accepted",
      "sprf_worker_signatures_total answer",
      "sprf_worker_signatures_total transition",
      "sprf_worker_requests_total batch OK",
      "sprf_worker_request_seconds 0 batch",
      "sprf_worker_requests_total change SEQUENCE_MOVED",
      "sprf_worker_request_seconds 0 change",
    ]);
  });
});

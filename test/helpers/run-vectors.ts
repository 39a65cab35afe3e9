import type { RunResultClaim } from "../../src/ports/run-queue.ts";
import type { RunPlan } from "../../src/ports/runs.ts";
import { utf8 } from "../../src/utils/bytes.ts";
import { encodeRunClaim, encodeRunPlan } from "../../src/wire/run-job.ts";

const CID = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";
const OTHER_CID = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";
const LARGEST = 2n ** 64n - 1n;

/** What rests in a database between a worker and its runners, as `test/vectors/runs/jobs.json` has it. */
export function runVectors(): unknown {
  const plan: RunPlan = {
    program: "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ",
    reference: { kind: "wasi", cid: OTHER_CID },
    state: CID,
    input: { bytes: new Uint8Array(utf8("say hello\n")) },
    sequence: 7n,
    time: 1_800_000_000n,
    seed: new Uint8Array(32).fill(0x2a),
  };
  const docker: RunPlan = {
    ...plan,
    reference: { kind: "docker", image: "registry.example/greeter:1", digest: "0a".repeat(32) },
    input: { cid: OTHER_CID },
    sequence: LARGEST,
    limits: { memoryBytes: 268_435_456, outputBytes: 65_536, stateBytes: 16_777_216 },
    gasTable: { fixed: 1_000n, perInputByte: 1n, perOutputByte: 1n, perStateKib: 10n, perSecond: 1_000n },
  };
  const done: RunResultClaim = {
    kind: "done",
    status: "accepted",
    outputCid: OTHER_CID,
    newState: OTHER_CID,
    state: "file",
    gas: 2_018n,
    seconds: 1,
    detail: "",
  };
  const claims: readonly RunResultClaim[] = [
    done,
    { ...done, status: "rejected", newState: CID, state: "directory", gas: LARGEST, detail: "exit 3: no such entry" },
    { kind: "failed", code: "ENGINE_FAILED", message: "killed: out of memory", wasBegun: true },
  ];
  return { plans: [plan, docker].map(encodeRunPlan), claims: claims.map(encodeRunClaim) };
}

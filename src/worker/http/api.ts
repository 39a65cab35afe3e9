import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";
import { bodyLimit } from "hono/body-limit";

import { SprfError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import { fromHex } from "../../utils/bytes.ts";
import { inRequest } from "../../utils/request-scope.ts";
import {
  MAX_BATCH_BODY_BYTES,
  batchProposalFromJson,
  batchProposalJsonSchema,
  batchVerdictJsonSchema,
  batchVerdictToJson,
  type BatchProposal,
  type BatchVerdict,
} from "../../wire/batch-proposal.ts";
import {
  MAX_REQUEST_BODY_BYTES,
  answerJsonSchema,
  answerToJson,
  errorJsonSchema,
  requestFromJson,
  signedRequestJsonSchema,
  type AnswerWithOutput,
} from "../../wire/execution-json.ts";
import type { SignedRequest } from "../../wire/execution-request.ts";
import {
  MAX_PROPOSAL_BODY_BYTES,
  consentJsonSchema,
  consentToJson,
  proposalFromJson,
  proposalJsonSchema,
} from "../../wire/proposal-json.ts";
import { TRACE_HEADER, requestIdOf } from "../../wire/traceparent.ts";
import { tipJsonSchema, tipToJson, type ServedTip } from "../../wire/tip-json.ts";
import type { Consent, Proposal } from "../../wire/proposal.ts";
import { errorResponse } from "./error-response.ts";
import { CAR_TYPE, RAW_TYPE } from "./gateway-format.ts";
import { serveGateway, type GatewayContent } from "./gateway.ts";
import { createStreamSlots } from "./guarded-stream.ts";

/** CARs that are read at once; more are refused. */
const MAX_DOWNLOADS = 32;
/** A reader that takes nothing for so long is gone. */
const DOWNLOAD_IDLE_MS = 20_000;

const healthSchema = z.object({
  status: z.literal("ok"),
  version: z.string(),
  blockNumber: z.int(),
  ledger: z.int(),
  /** Of a worker that is a node of the grid: what keeps users from it, if anything does. */
  node: z.object({ nodeId: z.int(), problem: z.string().optional() }).optional(),
});

/** Who this worker is and where its content can be fetched; the peer id in a multiaddr derives from `messageKey`. */
const workerSchema = z.object({
  messageKey: z.string(),
  ledgerKey: z.string(),
  multiaddrs: z.array(z.string()),
  engines: z.array(z.enum(["docker", "wasi"])),
});

export type WorkerHealth = z.output<typeof healthSchema>;
export type WorkerDescription = z.output<typeof workerSchema>;

export interface WorkerApiComponents {
  readonly logger: Logger;
  readonly clock: Clock;
  /** For requests whose sender gave them none. @default they have none */
  readonly newRequestId?: (() => string) | undefined;
  execute(signed: SignedRequest): Promise<AnswerWithOutput>;
  /** The answers given to a request so far, in order of the sequence they were run on. */
  answersTo(requestHash: Uint8Array): Promise<readonly AnswerWithOutput[]>;
  /** Signs what a proposal about an account that names this worker lands with. */
  consent(proposal: Proposal): Promise<Consent>;
  /** What this worker has seen a program's history end with. */
  tip(program: string): Promise<ServedTip | undefined>;
  /** Runs what another worker proposes, and signs its transaction. */
  endorse(proposal: BatchProposal): Promise<BatchVerdict>;
  /** Content of this machine for whoever asks. */
  readonly content: GatewayContent;
  health(): Promise<WorkerHealth>;
  describe(): WorkerDescription;
}

function limitBody(maxSize: number): ReturnType<typeof bodyLimit> {
  return bodyLimit({
    maxSize,
    onError: () => {
      throw new SprfError("MESSAGE_TOO_LARGE", `a body of more than ${maxSize} bytes`);
    },
  });
}

const errorContent = { content: { "application/json": { schema: errorJsonSchema } } };

const routes = {
  execute: createRoute({
    method: "post",
    path: "/v1/executions",
    summary: "Run a paid, signed request and get the signed answer; the same request gets the same answer",
    request: { body: { required: true, content: { "application/json": { schema: signedRequestJsonSchema } } } },
    responses: {
      200: { description: "The signed answer", content: { "application/json": { schema: answerJsonSchema } } },
      default: { description: "Why not", ...errorContent },
    },
  }),
  answers: createRoute({
    method: "get",
    path: "/v1/executions/{requestHash}",
    summary: "The answers given to a request so far",
    request: { params: z.object({ requestHash: z.string().regex(/^[0-9a-f]{64}$/) }) },
    responses: {
      200: { description: "Signed answers", content: { "application/json": { schema: z.array(answerJsonSchema) } } },
      default: { description: "Why not", ...errorContent },
    },
  }),
  changes: createRoute({
    method: "post",
    path: "/v1/changes",
    summary: "Check a change that the owner signed, a payout or a bump, and sign the transaction that follows from it",
    middleware: [limitBody(MAX_PROPOSAL_BODY_BYTES)] as const,
    request: { body: { required: true, content: { "application/json": { schema: proposalJsonSchema } } } },
    responses: {
      200: { description: "The signature", content: { "application/json": { schema: consentJsonSchema } } },
      default: { description: "Why not", ...errorContent },
    },
  }),
  tip: createRoute({
    method: "get",
    path: "/v1/programs/{program}/tip",
    summary: "The transaction that this worker has seen a program's history end with",
    request: { params: z.object({ program: z.string().length(56) }) },
    responses: {
      200: { description: "It", content: { "application/json": { schema: tipJsonSchema } } },
      default: { description: "Why not", ...errorContent },
    },
  }),
  batches: createRoute({
    method: "post",
    path: "/v1/batches",
    summary: "Run a batch or refund that another worker of the program proposes, and sign its transaction",
    middleware: [limitBody(MAX_BATCH_BODY_BYTES)] as const,
    request: { body: { required: true, content: { "application/json": { schema: batchProposalJsonSchema } } } },
    responses: {
      200: {
        description: "The signature, or what cannot be run here",
        content: { "application/json": { schema: batchVerdictJsonSchema } },
      },
      default: { description: "Why not", ...errorContent },
    },
  }),
  worker: createRoute({
    method: "get",
    path: "/v1/worker",
    summary: "Who this worker is and where its content can be fetched",
    responses: { 200: { description: "The worker", content: { "application/json": { schema: workerSchema } } } },
  }),
  health: createRoute({
    method: "get",
    path: "/health",
    summary: "Whether the worker reaches its chain and its ledger",
    responses: {
      200: { description: "It does", content: { "application/json": { schema: healthSchema } } },
      default: { description: "It does not", ...errorContent },
    },
  }),
  content: createRoute({
    method: "get",
    path: "/ipfs/{cid}",
    summary: "Content of this worker by CID, to be checked against it (trustless gateway): one block, or a CAR",
    request: {
      params: z.object({ cid: z.string().max(64) }),
      query: z.object({
        format: z.enum(["raw", "car"]).optional(),
        "dag-scope": z.enum(["block", "entity", "all"]).optional(),
        "entity-bytes": z.string().max(64).optional(),
        "car-version": z.string().max(8).optional(),
      }),
    },
    responses: {
      200: {
        description: "The block, or the CAR",
        content: {
          [RAW_TYPE]: { schema: z.string().openapi({ format: "binary" }) },
          [CAR_TYPE]: { schema: z.string().openapi({ format: "binary" }) },
        },
      },
      304: { description: "What the sender has is the same" },
      404: { description: "It is not on this machine", ...errorContent },
      default: { description: "Why not", ...errorContent },
    },
  }),
};

/** The worker's HTTP API; its OpenAPI document is at `/openapi.json`. */
export function createWorkerApi(components: WorkerApiComponents): OpenAPIHono {
  const app = new OpenAPIHono({
    defaultHook: (result) => {
      if (result.success) return;
      const [issue] = result.error.issues;
      throw new SprfError("INVALID_INPUT", `${issue?.path.join(".") ?? "body"}: ${issue?.message ?? "invalid"}`);
    },
  });

  app.use(async (c, next) => {
    const requestId = requestIdOf(c.req.header(TRACE_HEADER)) ?? components.newRequestId?.();
    if (requestId === undefined) return await next();
    await inRequest(requestId, async () => {
      const beganMs = components.clock.now();
      await next();
      const { method, path } = c.req;
      components.logger.debug("request served", {
        method,
        path,
        status: c.res.status,
        ms: components.clock.now() - beganMs,
      });
    });
    return undefined;
  });
  const slots = createStreamSlots(components, { maxOpen: MAX_DOWNLOADS, idleMs: DOWNLOAD_IDLE_MS });
  const limitOthers = limitBody(MAX_REQUEST_BODY_BYTES);
  // A proposal holds the requests of many, and its route has a limit of its own.
  app.use(async (c, next) => (c.req.path === "/v1/batches" ? await next() : await limitOthers(c, next)));
  app.onError((thrown, c) => {
    // Hono's own refusals (malformed JSON, say) carry a response below 500: the sender's fault.
    const refused = "getResponse" in thrown && typeof thrown.getResponse === "function";
    const error = refused ? new SprfError("INVALID_INPUT", thrown.message) : thrown;
    const { status, body } = errorResponse(error);
    // The rest of the body is still on its way: the connection ends, and the sender must not use it again.
    if (error instanceof SprfError && error.code === "MESSAGE_TOO_LARGE") c.header("connection", "close");
    const after = error instanceof SprfError ? error.context["retryAfterSeconds"] : undefined;
    if (typeof after === "number") c.header("retry-after", `${after}`);
    if (status === 500) components.logger.error("request failed", { path: c.req.path, error: String(thrown) });
    return c.json(body, status);
  });
  app.notFound((c) => {
    const { body } = errorResponse(new SprfError("INVALID_INPUT", `there is no ${c.req.method} ${c.req.path}`));
    return c.json(body, 404);
  });

  app.openapi(routes.execute, async (c) => {
    const answer = await components.execute(requestFromJson(c.req.valid("json")));
    return c.json(answerToJson(answer), 200);
  });
  app.openapi(routes.answers, async (c) => {
    const answers = await components.answersTo(fromHex(c.req.valid("param").requestHash));
    return c.json(answers.map(answerToJson), 200);
  });
  app.openapi(routes.changes, async (c) => {
    const consent = await components.consent(proposalFromJson(c.req.valid("json")));
    return c.json(consentToJson(consent), 200);
  });
  app.openapi(routes.tip, async (c) => {
    const { program } = c.req.valid("param");
    const tip = await components.tip(program);
    if (tip === undefined) throw new SprfError("HISTORY_UNAVAILABLE", `this worker has not seen ${program}`);
    return c.json(tipToJson(tip), 200);
  });
  app.openapi(routes.batches, async (c) => {
    const verdict = await components.endorse(batchProposalFromJson(c.req.valid("json")));
    return c.json(batchVerdictToJson(verdict), 200);
  });
  app.openapi(routes.worker, (c) => c.json(components.describe(), 200));
  app.openapi(routes.health, async (c) => c.json(await components.health(), 200));
  app.openapi(routes.content, async (c) => await serveGateway({ ...components, slots }, c));
  app.doc31("/openapi.json", {
    openapi: "3.1.0",
    info: { title: "SPRF worker", version: "1", description: "Runs programs and signs what came out." },
  });
  return app;
}

/** A fault of a node: a piece of its source, and what stands there instead. */
export interface NodeFault {
  /** Below `src/`. */
  readonly file: string;
  /** Stands there once. */
  readonly text: string;
  readonly instead: string;
  /** A seed that finds it, and how: by the model that the nodes' logs are held against, or by an invariant of the simulation. */
  readonly seed: number;
  readonly foundBy: string;
}

/** What a node must not do; every one of these is to be found. All nodes of a run have the fault, also those that are taken for honest. */
export const NODE_FAULTS = {
  "acks before what it acks is on the disk": {
    file: "channel/core.ts",
    text: "await core.log.append(all.map(toLogEntry));\n  if",
    instead: "void core.log.append(all.map(toLogEntry));\n  if",
    seed: 0,
    foundBy: "",
  },
  "forgets the term that it promised when it starts again": {
    file: "channel/open-state.ts",
    text: "term = Math.max(term, logged.term);",
    instead: "",
    seed: 0,
    foundBy: "",
  },
  "signs for two leaders of one term": {
    file: "channel/takeover.ts",
    text: "if (term !== core.term || core.terms.promisedIn(term) !== candidate.account) return;",
    instead: "if (term !== core.term) return;",
    seed: 0,
    foundBy: "",
  },
  "goes on from the lowest certificate that it is shown": {
    file: "domain/channel/election.ts",
    text: "if (isHigher({ term, height }, adopted)) adopted = { term, height };",
    instead: "if (adopted.term === 0 || !isHigher({ term, height }, adopted)) adopted = { term, height };",
    seed: 0,
    foundBy: "",
  },
  "hides the certificate that it holds from a new leader": {
    file: "channel/standing.ts",
    text: "const certificate = isSure ? core.certificate : givenUp;",
    instead: "const certificate = undefined as typeof givenUp;",
    seed: 0,
    foundBy: "",
  },
  "drops what the leader before had committed": {
    file: "channel/takeover.ts",
    text: "await cutTo(core, Math.max(height, core.chain.settled.height))",
    instead: "await cutTo(core, Math.max(height - 3, core.chain.settled.height))",
    seed: 0,
    foundBy: "",
  },
  "takes back what it holds a certificate for": {
    file: "channel/follower.ts",
    text: "const sure = Math.max(begins ? core.committed : (core.certificate?.height ?? 0), finalHere(core));",
    instead: "const sure = finalHere(core);",
    seed: 0,
    foundBy: "",
  },
  "skips an entry of the inbox": {
    file: "channel/leader.ts",
    text: "const entry = core.chain.entry(core.player.head.membership.cursor + 1);",
    instead:
      "const at = core.player.head.membership.cursor + 1;\n    const entry = at === 3 ? undefined : core.chain.entry(at);",
    seed: 0,
    foundBy: "",
  },
  "sends records before they are on its disk, and signs others after a crash": {
    file: "channel/leader.ts",
    text: '    await keep(core, [{ kind: "batch", batch }]);\n    const { certificate } = core;',
    instead:
      '    broadcast(core, { kind: "batch", batch });\n    await keep(core, [{ kind: "batch", batch }]);\n    const { certificate } = core;',
    seed: 0,
    foundBy: "",
  },
  "votes to settle what is not certified": {
    file: "channel/settler.ts",
    text: "if (certifiedHeight(core) < settlement.toHeight || ",
    instead: "if (core.player.head.header.height < settlement.toHeight || ",
    seed: 0,
    foundBy: "",
  },
  "votes by a certificate of a term that it has left": {
    file: "channel/core.ts",
    text: "certificate === undefined || unwritten !== undefined || certificate.term !== term ? 0",
    instead: "certificate === undefined || unwritten !== undefined ? 0",
    seed: 0,
    foundBy: "",
  },
  "votes for what was taken back": {
    file: "channel/gather-votes.ts",
    text: "if (own !== undefined && !equalBytes(own.hash, settlement.head)) {",
    instead: "if (settlement.toHeight < 0) {",
    seed: 0,
    foundBy: "",
  },
  "takes certified for committed": {
    file: "domain/channel/acks.ts",
    text: "committed: (voters) => heldByQuorum(certifiedBy, voters),",
    instead: "committed: (voters) => Math.max(certificate?.height ?? 0, heldByQuorum(certifiedBy, voters)),",
    seed: 0,
    foundBy: "",
  },
  "takes two thirds for a quorum": {
    file: "domain/channel/quorum.ts",
    text: "return (countedWeight * NEEDED_PARTS) / PARTS + 1n;",
    instead: "return (countedWeight * NEEDED_PARTS + 2n) / PARTS;",
    seed: 0,
    foundBy: "",
  },
  "acks in a term whose beginning it cannot show": {
    file: "channel/follower.ts",
    text: "header.term !== core.term || !holdsBase(core)) return;",
    instead: "header.term !== core.term) return;",
    seed: 0,
    foundBy: "",
  },
  "takes certificates of terms that it has left": {
    file: "channel/core.ts",
    text: "|| (!isShown && isLate(core, certificate))) return",
    instead: ") return",
    seed: 0,
    foundBy: "",
  },
  "forgets a certificate with its record": {
    file: "channel/standing.ts",
    text: "const certificate = isSure ? core.certificate : givenUp;",
    instead: "const { certificate } = core;",
    seed: 0,
    foundBy: "",
  },
  "does not propose the lost tail again": {
    file: "channel/takeover.ts",
    text: "if (body.kind !== RECORD_KINDS.call && body.kind !== RECORD_KINDS.session) continue;",
    instead: "if (body.kind > 0) continue;",
    seed: 0,
    foundBy: "",
  },
  "plays a call twice": {
    file: "channel/leader.ts",
    text: "if (call.nonce !== nonce) {",
    instead: "if (call.nonce > nonce) {",
    seed: 0,
    foundBy: "",
  },
} as const satisfies Record<string, NodeFault>;

export type NodeFaultName = keyof typeof NODE_FAULTS;

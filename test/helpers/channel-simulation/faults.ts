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
    seed: 4,
    foundBy: "model: the record is not on its disk",
  },
  "forgets the term that it promised when it starts again": {
    file: "channel/open-state.ts",
    text: "term = Math.max(term, logged.term);",
    instead: "",
    seed: 4,
    foundBy: "model: it had promised term",
  },
  "goes on from the lowest certificate that it is shown": {
    file: "domain/channel/election.ts",
    text: "if (isHigher({ term, height }, adopted)) adopted = { term, height };",
    instead: "if (adopted.term === 0 || !isHigher({ term, height }, adopted)) adopted = { term, height };",
    seed: 2,
    foundBy: "model: it goes on from less",
  },
  "hides the certificate that it holds from a new leader": {
    file: "channel/standing.ts",
    text: "const certificate = isSure ? core.certificate : givenUp;",
    instead: "const certificate = undefined as typeof givenUp;",
    seed: 4,
    foundBy: "model: it holds a certificate",
  },
  "drops what the leader before had committed": {
    file: "channel/takeover.ts",
    text: "await cutTo(core, Math.max(height, core.chain.settled.height))",
    instead: "await cutTo(core, Math.max(height - 3, core.chain.settled.height))",
    seed: 4,
    foundBy: "(C6|model)",
  },
  "skips an entry of the inbox": {
    file: "channel/leader.ts",
    text: "const entry = core.chain.entry(core.player.head.membership.cursor + 1);",
    instead:
      "const at = core.player.head.membership.cursor + 1;\n    const entry = at === 3 ? undefined : core.chain.entry(at);",
    seed: 4,
    foundBy: "(C3|no progress)",
  },
  "sends records before they are on its disk, and signs others after a crash": {
    file: "channel/leader.ts",
    text: 'await keep(core, [{ kind: "batch", batch }]);',
    instead: 'void keep(core, [{ kind: "batch", batch }]);',
    seed: 4,
    foundBy: "model: the record is not on its disk",
  },
  "votes to settle what is not certified": {
    file: "channel/settler.ts",
    text: "if (certifiedHeight(core) < settlement.toHeight || ",
    instead: "if (core.player.head.header.height < settlement.toHeight || ",
    seed: 4,
    foundBy: "model: it holds no certificate",
  },
  "takes certified for committed": {
    file: "domain/channel/acks.ts",
    text: "committed: (voters) => heldByQuorum(certifiedBy, voters),",
    instead: "committed: (voters) => Math.max(certificate?.height ?? 0, heldByQuorum(certifiedBy, voters)),",
    seed: 4,
    foundBy: "model: no quorum has said",
  },
  "takes two thirds for a quorum": {
    file: "domain/channel/quorum.ts",
    text: "return (countedWeight * NEEDED_PARTS) / PARTS + 1n;",
    instead: "return (countedWeight * NEEDED_PARTS + 2n) / PARTS;",
    seed: 4,
    foundBy: "model: no quorum has (said|acked)",
  },
  "plays what a relay has signed in the leader's place": {
    file: "channel/follower.ts",
    text: "if (signed !== undefined && signed.signer !== term.signer) {",
    instead: "if (signed !== undefined && signed.signer === undefined) {",
    seed: 10,
    foundBy: "C3",
  },
  "takes a certificate from a relay that no quorum has signed": {
    file: "channel/core.ts",
    text: "!isQuorum(weightOf(voters, new Set(signers.keys())), countedWeight(voters))",
    instead: "signers.size === 0",
    seed: 230,
    foundBy: "model: no quorum has acked",
  },
  "stays with a relay that brings nothing": {
    file: "channel/path-finder.ts",
    text: "} else if (isStalled(made, ageMs)) {",
    instead: "} else if (made.isAsked) {",
    seed: 170,
    foundBy: "no progress",
  },
  "does not say that it is back": {
    file: "channel/absence.ts",
    text: "if (self.isAbsent) return await answers.comeBack(absence, signal);",
    instead: "if (self.isAbsent) return;",
    seed: 77,
    foundBy: "no progress",
  },
  "goes on without those who alone may hold what is committed": {
    file: "domain/channel/absent-voters.ts",
    text: "return !isMissed && isQuorum(",
    instead: "return isQuorum(",
    seed: 77,
    foundBy: "(C1|C6|model)",
  },
} as const satisfies Record<string, NodeFault>;

export type NodeFaultName = keyof typeof NODE_FAULTS;

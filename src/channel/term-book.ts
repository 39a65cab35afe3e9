import type { Term } from "../domain/channel/terms.ts";
import type { ChainView } from "./chain-view.ts";
import type { KeptElection } from "./term-record.ts";

/** Who leads which term: as members have elected, and as the chain says where none was elected yet. */
export interface TermBook {
  /** Undefined for a term that nobody is known to lead. */
  of(term: number): Term | undefined;
  /** The highest that somebody leads. */
  readonly newest: Term | undefined;
  isElected(term: number): boolean;
  /** The newest election that was proven. */
  readonly election: KeptElection | undefined;
  elect(term: Term, election: KeptElection): void;
  /** With whom this node went to a term: it signs for one leader a term. */
  promisedIn(term: number): string | undefined;
  promise(term: number, leader: string): void;
}

export function createTermBook(chain: Pick<ChainView, "term" | "termOf">): TermBook {
  const elected = new Map<number, Term>();
  const promised = new Map<number, string>();
  let election: KeptElection | undefined;
  let last: Term | undefined;
  return {
    of: (term) => elected.get(term) ?? chain.termOf(term),
    get newest() {
      return last !== undefined && last.term >= (chain.term?.term ?? 0) ? last : chain.term;
    },
    isElected: (term) => elected.has(term),
    get election() {
      return election;
    },
    elect(term, kept) {
      elected.set(term.term, term);
      if (term.term < (last?.term ?? 0)) return;
      last = term;
      election = kept;
    },
    promisedIn: (term) => promised.get(term),
    promise(term, leader) {
      promised.set(term, leader);
    },
  };
}

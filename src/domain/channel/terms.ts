import { contentOf, type InboxEntry } from "../../wire/channel/inbox-entry.ts";
import type { Membership } from "./membership.ts";

/** Whose turn it is to lead. */
export interface Term {
  readonly term: number;
  /** The leader's account and signer. */
  readonly leader: string;
  readonly signer: string;
  /** The entry of the inbox that began it: records of this term take it before anything else. */
  readonly sinceEntry: number;
}

/** The term that an entry begins, with the membership after it: the first member's join begins term 1, later ones have an entry. */
export function termBegunBy(entry: InboxEntry, membership: Membership): Term | undefined {
  const content = contentOf(entry);
  const sinceEntry = entry.index;
  if (content.kind === "join" && content.joinNumber === 1) {
    return { term: 1, leader: entry.account, signer: content.signer, sinceEntry };
  }
  if (content.kind !== "term") return undefined;
  const { term, leader } = content;
  // One who is no member can sign nothing that counts: the term stands still.
  return { term, leader, signer: membership.members.get(leader)?.signer ?? "", sinceEntry };
}

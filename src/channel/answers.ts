import { messageOf } from "../errors.ts";
import type { ChannelMessageBody, ChannelMessageOf } from "../wire/channel/messages.ts";
import { send, type Core } from "./core.ts";
import type { History } from "./history.ts";

/** Questions of one peer that wait; whoever catches up has one under way. */
const MAX_ASKED = 2;

type Question = ChannelMessageOf<"sync"> | ChannelMessageOf<"part-request">;

/** Answers peers' questions about the past, whatever they ask for. */
export interface Answers {
  /** Drops a question of who has enough of them waiting. */
  ask(from: string, question: Question): void;
  /** Resolves when nothing is being answered any more. */
  readonly idle: Promise<void>;
}

/**
 * One answer at a time, by turns of those who ask, and between two of them as much time for all else as the first one took: whoever
 * asks in a loop gets half of a processor at most, and shares it with those who do the same.
 */
export function createAnswers(core: Core, history: History, signal: AbortSignal): Answers {
  // Whoever's turn it is comes first.
  const asked = new Map<string, Question[]>();
  let isRunning = false;
  let work: Promise<void> = Promise.resolve();

  async function answer(question: Question): Promise<ChannelMessageBody | undefined> {
    if (question.kind === "sync") return await history.after(question);
    const { height, part } = question;
    const bytes = await history.part(height, part);
    return bytes === undefined ? undefined : { kind: "part", height, part, bytes };
  }

  function next(): readonly [string, Question] | undefined {
    for (const [from, questions] of asked) {
      asked.delete(from);
      const question = questions.shift();
      if (questions.length > 0) asked.set(from, questions);
      if (question !== undefined) return [from, question];
    }
    return undefined;
  }

  async function run(): Promise<void> {
    isRunning = true;
    for (let turn = next(); turn !== undefined && !signal.aborted; turn = next()) {
      const [from, question] = turn;
      const beganMs = core.clock.now();
      try {
        const body = await answer(question);
        if (body !== undefined) send(core, from, body);
      } catch (error) {
        core.logger.warn("a question was not answered", { from, reason: messageOf(error) });
      }
      const tookMs = core.clock.now() - beganMs;
      if (tookMs > 0) await core.clock.sleep(tookMs, { signal }).catch(() => undefined);
    }
    asked.clear();
    // In the same moment in which there was nothing more: whoever asks next begins anew.
    isRunning = false;
  }

  return {
    ask(from, question) {
      const questions = asked.get(from) ?? [];
      if (questions.length >= MAX_ASKED || signal.aborted) {
        core.logger.debug("a question was dropped", { from, kind: question.kind });
        return;
      }
      questions.push(question);
      asked.set(from, questions);
      if (!isRunning) work = run();
    },
    get idle() {
      return work;
    },
  };
}

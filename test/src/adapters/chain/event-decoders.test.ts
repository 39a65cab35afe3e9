import { expect } from "chai";
import { zeroPadValue, type EventFragment, type Interface, type ParamType } from "ethers";

import { EVENT_TOPICS, decodeEvent, type EventSource } from "../../../../src/adapters/chain/event-decoders.ts";
import {
  IDisputes__factory,
  ITesterRegistry__factory,
  ITwins__factory,
  IWorkAgreement__factory,
  IWorkerDispatcher__factory,
  IWorkerRecords__factory,
} from "../../../../src/adapters/chain/factories.ts";

const SOURCES: Readonly<Record<EventSource, Interface>> = {
  twins: ITwins__factory.createInterface(),
  dispatcher: IWorkerDispatcher__factory.createInterface(),
  testers: ITesterRegistry__factory.createInterface(),
  records: IWorkerRecords__factory.createInterface(),
  disputes: IDisputes__factory.createInterface(),
  agreement: IWorkAgreement__factory.createInterface(),
};
/** What moves no money and says nothing of anybody's record: the read model leaves it out. */
const LEFT_OUT = [
  "DispatcherAttached",
  "RecordDispatcherAttached",
  "VerdictCommitted",
  "VerdictRevealed",
  "PanelOpened",
  "PanelCommitted",
];

describe("adapters/chain/event-decoders", () => {
  for (const [source, abi] of Object.entries(SOURCES) as [EventSource, Interface][]) {
    const events = abi.fragments.filter((fragment): fragment is EventFragment => fragment.type === "event");
    for (const event of events) {
      const isLeftOut = LEFT_OUT.includes(event.name);
      it(`should ${isLeftOut ? "leave out" : "give every value of"} ${event.name} of ${source}`, () => {
        const { topics, data } = abi.encodeEventLog(event, event.inputs.map(sampleOf));
        const decoded = decodeEvent(source, topics, data);
        expect(EVENT_TOPICS.includes(event.topicHash)).to.equal(!isLeftOut);
        if (isLeftOut) {
          expect(decoded).to.equal(undefined);
          return;
        }
        expect(decoded?.name).to.equal(event.name);
        expect(lacking(decoded)).to.deep.equal([]);
      });
    }
  }

  it("should take nothing from a contract that imitates an agreement badly, and fail for one of the market's own", () => {
    const { topicHash } = SOURCES.agreement.getEvent("Withdrawn")!;
    expect(decodeEvent("agreement", [topicHash], "0x")).to.equal(undefined);
    expect(decodeEvent("agreement", [], "0x")).to.equal(undefined);
    const own = SOURCES.dispatcher.getEvent("StakeAdded")!;
    expect(() => decodeEvent("dispatcher", [own.topicHash, zeroPadValue("0x01", 32)], "0x")).to.throw();
  });
});

/** A value of the type that is not empty. */
function sampleOf(type: ParamType): unknown {
  if (type.baseType === "array") return [sampleOf(type.arrayChildren!)];
  if (type.baseType === "tuple") return type.components!.map(sampleOf);
  if (type.type === "address") return zeroPadValue("0x07", 20);
  if (type.type === "bool") return true;
  if (type.type === "string") return "text";
  if (type.type === "bytes") return "0x07";
  if (type.type.startsWith("bytes")) return zeroPadValue("0x07", Number(type.type.slice(5)));
  return 1n;
}

/** Paths of values that are missing, not a number, or empty. */
function lacking(value: unknown, path = ""): string[] {
  if (value === undefined || Number.isNaN(value) || (Array.isArray(value) && value.length === 0)) return [path];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => lacking(inner, `${path}/${name}`));
}

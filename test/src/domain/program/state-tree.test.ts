import { expect } from "chai";
import fc from "fast-check";

import {
  MAX_DIRECTORY_ENTRIES,
  MAX_STATE_DEPTH,
  MAX_STATE_ENTRIES,
  STATE_ENTRY_BYTES,
  createStateRules,
  stateName,
} from "../../../../src/domain/program/state-tree.ts";
import { codeOf } from "../../../helpers/code-of.ts";

const refused = async (work: () => unknown): Promise<void> => {
  expect(await codeOf(Promise.resolve().then(work))).to.equal("STATE_REFUSED");
};

describe("the rules of a state that is a directory", () => {
  it("allow names that come back as the bytes they were, and hold nothing of a path", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 220 }),
          fc.string({ unit: "grapheme" }).map((text) => Buffer.from(text)),
        ),
        (raw) => {
          const name = stateName(raw);
          if (name === undefined) return;
          expect(Buffer.from(name).equals(raw)).to.equal(true);
          // oxlint-disable-next-line no-control-regex -- they are what is refused
          expect(name).to.not.match(/[/\\\u0000-\u001f\u007f]/);
          expect(raw.length).to.be.within(1, 200);
        },
      ),
    );
  });

  for (const name of ["", ".", "..", "a/b", "a\\b", "a\0", "a\n", "\u007f", "n".repeat(201)]) {
    it(`refuse the name ${JSON.stringify(name.slice(0, 8))} of ${name.length}`, async () => {
      expect(stateName(Buffer.from(name))).to.equal(undefined);
      await refused(() => createStateRules(1).name(Buffer.from(name)));
    });
  }

  it("allow names of any script, spaces and dots", () => {
    for (const name of ["a", "...", ".a", " ", "Ünï", "文件", "\ufeffbom", "n".repeat(200)]) {
      expect(stateName(Buffer.from(name))).to.equal(name);
    }
  });

  it("count bytes and entries, and stop at each limit by one", async () => {
    const rules = createStateRules(2 * STATE_ENTRY_BYTES + 10);
    rules.directory(2, 0);
    rules.file(10);
    expect(rules.bytes).to.equal(2 * STATE_ENTRY_BYTES + 10);
    await refused(() => rules.file(1));
    const roomy = createStateRules(Number.MAX_SAFE_INTEGER);
    roomy.directory(MAX_DIRECTORY_ENTRIES, MAX_STATE_DEPTH);
    await refused(() => roomy.directory(0, MAX_STATE_DEPTH + 1));
    await refused(() => roomy.directory(MAX_DIRECTORY_ENTRIES + 1, 0));
    for (let left = MAX_STATE_ENTRIES - MAX_DIRECTORY_ENTRIES; left > 0; left -= MAX_DIRECTORY_ENTRIES) {
      roomy.directory(MAX_DIRECTORY_ENTRIES, 0);
    }
    await refused(() => roomy.directory(1, 0));
  });

  it("refuse what is neither file nor directory", async () => {
    await refused(() => createStateRules(1).other("link"));
  });
});

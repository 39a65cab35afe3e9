import { chmod, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { expect } from "chai";

import { succeed } from "../../helpers/command.ts";
import { describeWithPart } from "../../helpers/require-parts.ts";
import { openTerminal, terminalAbsence, type Terminal } from "../../helpers/terminal.ts";
import { until } from "../../helpers/until.ts";

const SUITE_TIMEOUT_MS = 120_000;
const TIMEOUT_MS = 30_000;
const FORGET_LINE = "\u0015";
const SPRF = fileURLToPath(new URL("../../../src/cli/sprf.ts", import.meta.url));
const SHELLS = [
  { shell: "bash", start: "bash --noprofile --norc -i", before: "PS1='ready> '" },
  {
    shell: "zsh",
    start: "zsh -f -i",
    before: "autoload -Uz compinit; compinit -u -D; unsetopt prompt_sp; PS1='ready> '",
  },
] as const;

for (const { shell, start, before: setUp } of SHELLS) {
  const absent = await terminalAbsence(shell);
  describeWithPart(shell, absent, `completion in ${shell}`, function () {
    this.timeout(SUITE_TIMEOUT_MS);
    let home: string;
    let terminal: Terminal;

    const shows = async (pattern: RegExp): Promise<void> => {
      await until(() => pattern.test(terminal.text), { timeoutMs: TIMEOUT_MS, what: pattern.source });
    };

    beforeEach(async () => {
      home = await mkdtemp(join(tmpdir(), "sprf-completion-"));
      await writeFile(join(home, "sprf"), `#!/bin/sh\nexec ${process.execPath} ${SPRF} "$@"\n`);
      await chmod(join(home, "sprf"), 0o755);
      await writeFile(join(home, "script"), (await succeed(`npx sprf completion ${shell}`)).stdout);
      terminal = openTerminal(start, { PATH: `${home}:${process.env["PATH"]}`, HOME: home, HISTFILE: "/dev/null" });
      terminal.type(`cd ${home}; ${setUp}; source ./script\n`);
      await shows(/(^|\n)[^\n']*ready> $/);
    });
    afterEach(async () => {
      terminal.kill();
      await terminal.ended;
      await rm(home, { recursive: true, force: true });
    });

    it("should complete commands, commands below them, and options", async () => {
      terminal.type("sprf progr\t");
      await shows(/sprf program /);
      terminal.type("hist\t");
      await shows(/sprf program history /);
      terminal.type("--lim\t");
      await shows(/history --limit /);
    });

    it("should show what can follow where that is more than one", async () => {
      terminal.type("sprf config s\t\t");
      await shows(/schema/);
      await shows(/show/);
    });

    it("should offer files where a file belongs, and run nothing of what stands on the line", async () => {
      await writeFile(join(home, "journal.csv"), "");
      terminal.type("sprf program run --input jour\t");
      await shows(/--input journal\.csv /);
      terminal.type(`${FORGET_LINE}sprf program "$(touch harm)" --o\t`);
      terminal.type(`${FORGET_LINE}echo done-$((1+1))\n`);
      await shows(/done-2/);
      expect(await readdir(home))
        .to.include("journal.csv")
        .and.not.include("harm");
    });
  });
}

import type { Command } from "commander";

import { argumentsOf } from "./channel-arguments.ts";
import { nodeCommand, withClient, type NodeOptions } from "./channel-session.ts";
import { eventText, updateText, valueText } from "./channel-views.ts";
import { printJson } from "./grid-views.ts";
import { SprfError } from "../errors.ts";

/** Commands that go to a member's node. */
export function addCallCommands(parent: Command): void {
  nodeCommand(
    parent,
    "call <channel> <function> [arguments...]",
    "Calls the program, and waits until that is committed.",
  )
    .option("--no-wait", "end once the leader has signed it")
    .action(
      async (
        text: string,
        name: string,
        given: readonly string[],
        options: NodeOptions & { readonly wait: boolean },
      ) => {
        await withClient(text, options, async ({ client, abi, signal }) => {
          const result = await client.call(name, argumentsOf(abi, name, given), { signal });
          if (options.wait) await result.committed({ signal });
          const { value, events } = result;
          const commitment = options.wait ? "committed" : "leader-signed";
          const { height, gasUsed, recordHash } = result.receipt;
          if (options.json) return printJson({ height, commitment, value, events, gasUsed, recordHash });
          console.log(
            `height ${height}: ${commitment}${value === undefined ? "" : `; it returned ${valueText(value)}`}`,
          );
          for (const event of events) console.log(`  ${eventText(event)}`);
        });
      },
    );

  nodeCommand(parent, "read <channel> <function> [arguments...]", "Reads a view of the program, as the node has it.")
    .option("--height <height>", "a recent one (default: the head)")
    .action(
      async (
        text: string,
        name: string,
        given: readonly string[],
        options: NodeOptions & { readonly height?: string },
      ) => {
        await withClient(text, options, async ({ client, abi, signal }) => {
          const at = options.height === undefined ? {} : { height: heightOf(options.height) };
          const { value, height, commitment } = await client.read(name, argumentsOf(abi, name, given), {
            signal,
            ...at,
          });
          if (options.json) printJson({ height, commitment, value });
          else console.log(valueText(value));
        });
      },
    );

  nodeCommand(parent, "watch <channel>", "Shows what happens, from now on, until Ctrl-C.")
    .option("--early", "show records once the leader has signed them, also those that may be rolled back", false)
    .option("--updates <number>", "end after so many (default: never)")
    .action(async (text: string, options: NodeOptions & { readonly early: boolean; readonly updates?: string }) => {
      await withClient(text, options, async ({ client, signal }) => {
        const most = options.updates === undefined ? Infinity : heightOf(options.updates);
        let count = 0;
        const commitment = options.early ? "leader-signed" : "committed";
        for await (const update of client.subscribe({ commitment, signal })) {
          if (options.json) printJson(update);
          else console.log(updateText(update));
          count += 1;
          if (count >= most) return;
        }
      });
    });

  nodeCommand(parent, "settle <channel>", "Has this account's node bring all up to its head to the chain.").action(
    async (text: string, options: NodeOptions) => {
      await withClient(text, options, async ({ client, channel, signal }) => {
        const height = await client.settle({ signal });
        if (options.json) printJson({ channel, height });
        else console.log(`channel ${channel} is final up to height ${height}`);
      });
    },
  );
}

function heightOf(text: string): number {
  const height = Number(text);
  if (/^\d{1,15}$/.test(text)) return height;
  throw new SprfError("INVALID_INPUT", `expected a number, got ${JSON.stringify(text)}`);
}

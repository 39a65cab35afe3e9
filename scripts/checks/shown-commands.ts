/** Commands of a Markdown text's ```sh blocks: a line each, without comments and prompts, continued lines joined. */
export function commandsOf(text: string): string[] {
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```/gms)].map(([, body = ""]) => body);
  return blocks
    .flatMap((body) => body.replaceAll(/\\\n\s*/g, " ").split("\n"))
    .map((line) =>
      line
        .replace(/(^|\s)#.*$/, "")
        .replace(/^\$ /, "")
        .trim(),
    )
    .filter((line) => line !== "");
}

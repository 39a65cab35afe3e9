/** A character of the model. */
interface ModelCharacter {
  readonly id: bigint;
  readonly character: string;
  isRemoved: boolean;
}

/** Characters that a record may write. */
const IDS_PER_RECORD = 256n;

/** What DocumentProgram does, on a list. */
export class DocumentModel {
  readonly characters: ModelCharacter[] = [];

  insert(height: bigint, afterId: bigint, text: string): void {
    const added = Array.from(text, (character, index) => {
      const id = height * IDS_PER_RECORD + BigInt(index) + 1n;
      return { id, character, isRemoved: false };
    });
    this.characters.splice(this.#placeOf(afterId) + 1, 0, ...added);
  }

  remove(ids: readonly bigint[]): void {
    for (const one of this.characters) if (ids.includes(one.id)) one.isRemoved = true;
  }

  /** Ids that can be written behind, or removed: also those of characters that were removed. */
  ids(): bigint[] {
    return this.characters.map(({ id }) => id);
  }

  text(): string {
    return this.characters.flatMap(({ character, isRemoved }) => (isRemoved ? [] : [character])).join("");
  }

  /** -1 for the beginning. */
  #placeOf(id: bigint): number {
    return this.characters.findIndex((one) => one.id === id);
  }
}

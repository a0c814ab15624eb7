import { describe, expect, it } from "vitest";
import { decompress } from "../../src/sealing/zstd";
import { compress } from "../../src/sealing/zstdWriter";
import { sha256Of } from "../../src/store/cid";
import { toDigits, utf8 } from "../../src/types/bytes";
import { Dice, errorOf, load, survives } from "../vectors";

interface Frames {
  frames: { length: number; sha256: string; level: number; checksum: boolean; frame: string }[];
}
const frames = load<Frames>("texts").frames.map((vector) => ({
  ...vector,
  data: Uint8Array.from(Buffer.from(vector.frame, "base64")),
}));

describe("zstd frames", () => {
  it("of Python's compressor are read at every level", async () => {
    for (const { data, length, sha256 } of frames) {
      const content = decompress(data, length);
      expect(content.length).toBe(length);
      expect(toDigits(await sha256Of(content))).toBe(sha256);
    }
  });

  it("that would expand beyond the limit are refused before anything is done", async () => {
    for (const { data, length } of frames) {
      expect((await errorOf(() => decompress(data, length - 1))).code).toBe("ContentTooLarge");
    }
  });

  it("of the page come back, around the ends of blocks", () => {
    for (const size of [1, 255, 256, 131_071, 131_072, 131_073, 400_000]) {
      const content = new Dice(size).bytes(size);
      expect(toDigits(decompress(compress(content), size))).toBe(toDigits(content));
    }
  });

  it("that are cut, followed by anything, empty or of another kind are refused", async () => {
    const { data, length } = frames[12] as (typeof frames)[number];
    for (let at = 0; at < data.length; at++) {
      expect((await errorOf(() => decompress(data.slice(0, at), length))).code).toBe("ContentInvalid");
    }
    const wrong = [
      Uint8Array.of(...data, 0),
      Uint8Array.of(...data, ...data),
      compress(new Uint8Array()),
      utf8("not a frame at all"),
      Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 0), // a skippable frame
    ];
    for (const each of wrong) expect((await errorOf(() => decompress(each, 1 << 20))).code).toBe("ContentInvalid");
  });

  it("whose matches reach back beyond the beginning, or whose bits don't come out even, are refused", async () => {
    // 13 bytes of head, 3 of the block's, then: 3 for the literals' size, one literal, count, modes, and the bits.
    const content = utf8("a".repeat(40));
    const frame = compress(content);
    const bits = 13 + 3 + 6;
    for (let bit = 8 * bits; bit < 8 * frame.length; bit++) {
      const damaged = frame.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      // There are two ways to say "the distance 1" at the beginning; every other bit counts.
      if (await survives(() => decompress(damaged, 40))) expect(decompress(damaged, 40)).toEqual(content);
    }
    const uneven = Uint8Array.of(...frame.slice(0, bits), 0, ...frame.slice(bits));
    uneven[13] = (uneven[13] as number) + 8;
    expect((await errorOf(() => decompress(uneven, 40))).code).toBe("ContentInvalid");
  });

  it("that announce more than they hold, or hold more than they announce, are refused", async () => {
    const frame = compress(utf8("twelve bytes"));
    for (const announced of [11, 13]) {
      const lying = frame.slice();
      lying[5] = announced;
      expect((await errorOf(() => decompress(lying, 100))).code).toBe("ContentInvalid");
    }
    const huge = frame.slice();
    huge[9] = 1; // 4 GiB and more, in a frame of 28 bytes
    expect((await errorOf(() => decompress(huge, 2 ** 40))).code).toBe("ContentInvalid");
  });

  it("can't keep a reader busy: a Huffman table of one symbol is refused", async () => {
    // Compressed literals whose weights are coded by a table in which one symbol has all the probability.
    const weights = [0x00 | 0x00, 0x40, 0x80, 0x80];
    for (let low = 0; low < 256; low++) {
      const tree = [4, low, 0xff, ...weights.slice(2)];
      const size = tree.length + 4;
      const literals = [0x02 | (8 << 4), (size << 6) & 255, size >> 2, ...tree, 1, 1, 1, 1, 0];
      const block = [((literals.length << 3) | 4 | 1) & 255, literals.length >> 5, 0, ...literals];
      const data = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x20, 8, ...block);
      await survives(() => decompress(data, 100));
    }
  });

  it("of any bytes are read or refused, soon", async () => {
    const dice = new Dice(16);
    const small = frames.filter(({ data }) => data.length < 20_000);
    const began = performance.now();
    for (let round = 0; round < 6000; round++) {
      const { data, length } = small[round % small.length] as (typeof frames)[number];
      // Half of them keep their head, so that the damage lies deeper.
      const damaged =
        round % 2 ? dice.mutated(data) : Uint8Array.of(...data.slice(0, 12), ...dice.mutated(data.slice(12)));
      await survives(() => decompress(damaged, length));
    }
    expect(performance.now() - began).toBeLessThan(60_000);
  });
});

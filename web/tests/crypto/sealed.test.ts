import { beforeAll, describe, expect, it } from "vitest";
import { ENCAPSULATION_BYTES, ParticipantKey, PublicKey } from "../../src/crypto/hpke";
import { ParticipantSeed } from "../../src/crypto/secret";
import { type RandomAccess, StreamCipher, StreamReader } from "../../src/crypto/stream";
import { sha256Of } from "../../src/store/cid";
import { toDigits, utf8 } from "../../src/types/bytes";
import { bytes, Dice, errorOf, load, survives } from "../vectors";

interface Hpke {
  messages: { seed: string; public_key: string; plaintext: string; info: string; sealed_by: string; sealed: string }[];
}
interface Streams {
  key: string;
  prefix: string;
  chunk_bytes: number;
  streams: { plaintext: string; ciphertext: string }[];
}

describe("messages to a participant", () => {
  let key: ParticipantKey;
  beforeAll(async () => {
    key = await ParticipantKey.fromSeed(ParticipantSeed.random());
  });

  it("open, whoever sealed them, and only as they were sealed", async () => {
    for (const vector of load<Hpke>("hpke").messages) {
      const recipient = await ParticipantKey.fromSeed(new ParticipantSeed(bytes(vector.seed)));
      expect(toDigits(recipient.publicKey.data)).toBe(vector.public_key);
      expect(toDigits(await recipient.open(bytes(vector.sealed), bytes(vector.info)))).toBe(vector.plaintext);
      const altered = bytes(vector.sealed);
      altered[ENCAPSULATION_BYTES] = (altered[ENCAPSULATION_BYTES] as number) ^ 1;
      expect((await errorOf(() => recipient.open(altered, bytes(vector.info)))).code).toBe("WrongKey");
    }
  });

  it("open under the same info and with the same key alone", async () => {
    const sealed = await key.publicKey.seal(utf8("a record"), utf8("info"));
    expect(await key.open(sealed, utf8("info"))).toEqual(utf8("a record"));
    expect((await errorOf(() => key.open(sealed, utf8("other")))).code).toBe("WrongKey");
    const stranger = await ParticipantKey.fromSeed(ParticipantSeed.random());
    expect((await errorOf(() => stranger.open(sealed, utf8("info")))).code).toBe("WrongKey");
  });

  it("never crash whoever reads garbage", async () => {
    const dice = new Dice(2);
    const sealed = await key.publicKey.seal(utf8("a record"), utf8("info"));
    for (let round = 0; round < 40; round++) {
      const data = round % 2 ? dice.mutated(sealed) : dice.bytes(dice.below(1200));
      expect(await survives(() => key.open(data, utf8("info")))).toBe(false);
    }
  });

  it("are not sealed to what is no key", async () => {
    const good = key.publicKey.data;
    const [short, large, low] = [good.slice(1), good.slice(), good.slice()];
    large.fill(0xff, 0, 3); // a coefficient beyond the modulus
    low.fill(0, 1184);
    const twist = good.slice();
    twist.set(bytes("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f11d7"), 1184);
    for (const data of [short, large, low, twist]) {
      expect((await errorOf(() => new PublicKey(data))).code).toBe("InvalidKey");
    }
  });
});

describe("streams", () => {
  const vectors = load<Streams>("stream");
  const cipher = new StreamCipher(bytes(vectors.key), bytes(vectors.prefix), vectors.chunk_bytes);

  it("are written and read as Python's", async () => {
    for (const { plaintext, ciphertext } of vectors.streams) {
      expect(toDigits(await cipher.encrypt(bytes(plaintext)))).toBe(ciphertext);
      expect(toDigits(await cipher.decrypt(bytes(ciphertext)))).toBe(plaintext);
    }
  });

  it("of whole mebibytes are the pinned one", async () => {
    const sealed = await new StreamCipher(new Uint8Array(32), new Uint8Array(7)).encrypt(new Uint8Array((2 << 20) + 5));
    expect(toDigits(await sha256Of(sealed))).toBe("d1da1ab820be2a805dd42da8aa35034288e3d0fea98857c8392a18cb9c06f9cf");
  });

  it("fail when any byte is altered, cut, added or moved", async () => {
    const sealed = await cipher.encrypt(new Dice(3).bytes(100));
    for (let at = 0; at < sealed.length; at++) {
      const altered = sealed.slice();
      altered[at] = (altered[at] as number) ^ 0x40;
      expect((await errorOf(() => cipher.decrypt(altered))).code).toBe("ParcelTampered");
      expect((await errorOf(() => cipher.decrypt(sealed.slice(0, at)))).code).toBe("ParcelTampered");
    }
    const swapped = sealed.slice();
    swapped.set(sealed.subarray(48, 96), 0);
    swapped.set(sealed.subarray(0, 48), 48);
    const longer = new Uint8Array(sealed.length + 48);
    longer.set(sealed);
    for (const data of [swapped, longer])
      expect((await errorOf(() => cipher.decrypt(data))).code).toBe("ParcelTampered");
  });

  it("whose last chunk is full fail with anything behind it", async () => {
    const sealed = await cipher.encrypt(new Dice(23).bytes(64));
    for (let more = 1; more < 50; more++) {
      const longer = new Uint8Array(sealed.length + more);
      longer.set(sealed);
      expect((await errorOf(() => cipher.decrypt(longer))).code).toBe("ParcelTampered");
    }
  });

  it("are read at random, touching only the chunks that hold what is asked for", async () => {
    const plaintext = new Dice(4).bytes(1000);
    const sealed = await cipher.encrypt(plaintext);
    const touched: number[] = [];
    const source: RandomAccess = {
      size: sealed.length + 3,
      read: async (start, length) => {
        touched.push(Math.floor((start - 3) / 48));
        return sealed.slice(start - 3, start - 3 + length);
      },
    };
    const reader = await StreamReader.open(cipher, source, 3);
    expect(reader.size).toBe(1000);
    expect(await reader.read(100, 50)).toEqual(plaintext.slice(100, 150));
    expect(touched).toEqual([31, 3, 4]);
    const dice = new Dice(5);
    for (let round = 0; round < 50; round++) {
      const [start, length] = [dice.below(1100), dice.below(1100)];
      expect(await reader.read(start, length)).toEqual(plaintext.slice(start, start + length));
    }
    expect((await errorOf(() => reader.read(-1, 5))).code).toBe("InvalidInput");
  });
});

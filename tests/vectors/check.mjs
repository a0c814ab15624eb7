// Checks the vectors beside this file from the browser's side: WebCrypto, @hpke/core, @hpke/hybridkem-x-wing, slip39.
//
//   node check.mjs                 checks all, prints how many of each as JSON; fails on the first that differs
//   node check.mjs seal JSON       seals {public_key, plaintext, info} (hex) and prints the message
//   node check.mjs open JSON       opens {seed, sealed, info} (hex) and prints the plaintext

import { createECDH, createHash, webcrypto } from "node:crypto";
import { readFileSync } from "node:fs";
import { Aes256Gcm, CipherSuite, HkdfSha256 } from "@hpke/core";
import { XWing } from "@hpke/hybridkem-x-wing";
import sha3 from "js-sha3";
import slip39 from "slip39";

const { subtle } = webcrypto;
const suite = new CipherSuite({ kem: new XWing(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });

// ── bytes ──

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const bytes = (text) => Uint8Array.from(Buffer.from(text.replace(/^0x/, ""), "hex"));
const utf8 = (text) => new TextEncoder().encode(text);
const join = (...parts) => Uint8Array.from(Buffer.concat(parts.map((part) => Buffer.from(part))));
const label = (name) => utf8(`medrec/1 ${name}\0`);
const number = (value, size) => bytes(BigInt(value).toString(16).padStart(2 * size, "0"));
const keccak = (data) => Uint8Array.from(sha3.keccak256.array(data));
const sha256 = async (data) => new Uint8Array(await subtle.digest("SHA-256", data));

function equal(actual, expected, what) {
  const [got, wanted] = [actual, expected].map((value) => (typeof value === "string" ? value : hex(value)));
  if (got !== wanted) throw new Error(`${what}: ${got.slice(0, 200)} is not ${wanted.slice(0, 200)}`);
}

async function refuses(act, what) {
  try {
    await act();
  } catch {
    return;
  }
  throw new Error(`${what} was not refused`);
}

// ── primitives ──

async function hmac(key, data) {
  const imported = await subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await subtle.sign("HMAC", imported, data));
}

async function hkdf(material, salt, info, length = 32) {
  const imported = await subtle.importKey("raw", material, "HKDF", false, ["deriveBits"]);
  return new Uint8Array(await subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt, info }, imported, 8 * length));
}

async function expand(key, info, length = 32) {
  let [block, out] = [new Uint8Array(), new Uint8Array()];
  for (let count = 1; out.length < length; count++) {
    block = await hmac(key, join(block, info, [count]));
    out = join(out, block);
  }
  return out.slice(0, length);
}

async function decryptStream(key, prefix, ciphertext, chunkBytes = 1 << 20) {
  const imported = await subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]);
  const step = chunkBytes + 16;
  const count = Math.max(1, Math.ceil(ciphertext.length / step));
  let plaintext = new Uint8Array();
  for (let index = 0; index < count; index++) {
    const iv = join(prefix, number(index, 4), [index === count - 1 ? 1 : 0]);
    const chunk = ciphertext.slice(index * step, (index + 1) * step);
    plaintext = join(plaintext, new Uint8Array(await subtle.decrypt({ name: "AES-GCM", iv }, imported, chunk)));
  }
  return plaintext;
}

// The library takes ArrayBuffers.
const buffer = (data) => data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
const privateKey = (seed) => suite.kem.importKey("raw", buffer(seed), false);

async function hpkeSeal(publicKey, plaintext, info) {
  const recipientPublicKey = await suite.kem.importKey("raw", buffer(publicKey), true);
  const sender = await suite.createSenderContext({ recipientPublicKey, info: buffer(info) });
  const ciphertext = new Uint8Array(await sender.seal(buffer(plaintext)));
  return join(new Uint8Array(sender.enc), ciphertext);
}

async function hpkeOpen(seed, sealed, info) {
  const recipientKey = await privateKey(seed);
  const enc = buffer(sealed.slice(0, 1120));
  const recipient = await suite.createRecipientContext({ recipientKey, enc, info: buffer(info) });
  return new Uint8Array(await recipient.open(buffer(sealed.slice(1120))));
}

// ── formats ──

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const big = (data) => BigInt(`0x${hex(data) || "0"}`);

async function rootOf(signature) {
  let material = signature;
  if (signature.length === 65) {
    const s = big(signature.slice(32, 64)) % ORDER;
    material = join(signature.slice(0, 32), number(s < ORDER - s ? s : ORDER - s, 32));
  }
  return hkdf(material, label("root"), label("root key"));
}

async function checkDerivation({ root, signatures, cases, recovery, participants, relationships }) {
  const rootKey = bytes(root);
  for (const vector of signatures) equal(await rootOf(bytes(vector.signature)), vector.root, "root");
  const derived = cases.map(({ index, ...rest }) => ({ info: join(label("case"), number(index, 4)), ...rest }));
  for (const { info, key, address } of [...derived, { info: label("recovery"), ...recovery }]) {
    const wide = await expand(rootKey, info, 48);
    const scalar = number((big(wide) % (ORDER - 1n)) + 1n, 32);
    equal(scalar, key, "case or recovery key");
    const curve = createECDH("secp256k1");
    curve.setPrivateKey(scalar);
    equal(keccak(curve.getPublicKey().subarray(1)).slice(12), address.slice(2).toLowerCase(), "address");
  }
  for (const { address, seed, public_key: publicKey } of participants) {
    equal(await expand(rootKey, join(label("participant"), bytes(address))), seed, "participant seed");
    const sealed = await hpkeSeal(bytes(publicKey), utf8("for the seed"), new Uint8Array());
    equal(await hpkeOpen(bytes(seed), sealed, new Uint8Array()), hex(utf8("for the seed")), "key pair");
    // SHAKE256(seed, 96) = ML-KEM seed ‖ X25519 key: the X25519 half can be checked with node alone.
    const expanded = createHash("shake256", { outputLength: 96 }).update(bytes(seed)).digest();
    const pkcs8 = join(bytes("302e020100300506032b656e04220420"), expanded.subarray(64));
    const x25519 = await subtle.importKey("pkcs8", pkcs8, { name: "X25519" }, true, ["deriveBits"]);
    const { x } = await subtle.exportKey("jwk", x25519);
    equal(Buffer.from(x, "base64url"), publicKey.slice(-64), "X25519 public key");
  }
  for (const { subject, provider, number: count, node, mailbox_key: mailbox } of relationships) {
    const info = join(label("relationship"), bytes(subject), bytes(provider), number(count, 4));
    equal(await expand(rootKey, info), node, "relationship");
    equal(await expand(bytes(node), label("tree mailbox")), mailbox, "mailbox key");
  }
  return signatures.length + derived.length + 1 + participants.length + relationships.length;
}

async function nodeAt(top, path) {
  const [epoch, classNumber, years] = path.split("/").slice(1);
  let key = top;
  if (epoch) key = await expand(key, join(label("tree epoch"), number(epoch, 4)));
  if (classNumber) key = await expand(key, join(label("tree class"), number(classNumber, 1)));
  if (years === "undated") return expand(key, label("tree undated"));
  for (const bit of years ?? "") key = await expand(key, join(label("tree years"), utf8(bit)));
  return key;
}

async function checkKeytree({ top, nodes, coverings }) {
  const all = [...nodes, ...coverings.flatMap((covering) => covering.nodes)];
  for (const { path, key } of all) equal(await nodeAt(bytes(top), path), key, `key at ${path}`);
  return all.length;
}

async function checkHpke({ messages }) {
  for (const { seed, public_key: publicKey, info, plaintext, sealed } of messages) {
    equal(await hpkeOpen(bytes(seed), bytes(sealed), bytes(info)), plaintext, "HPKE message");
    const again = await hpkeSeal(bytes(publicKey), bytes(plaintext), bytes(info));
    equal(await hpkeOpen(bytes(seed), again, bytes(info)), plaintext, "HPKE round trip");
    const altered = bytes(sealed);
    altered[altered.length - 1] ^= 1;
    await refuses(() => hpkeOpen(bytes(seed), altered, bytes(info)), "an altered HPKE message");
  }
  return messages.length;
}

async function checkStream({ key, prefix, chunk_bytes: chunkBytes, streams }) {
  for (const { plaintext, ciphertext } of streams) {
    equal(await decryptStream(bytes(key), bytes(prefix), bytes(ciphertext), chunkBytes), plaintext, "stream");
    const cut = bytes(ciphertext).slice(0, -1);
    await refuses(() => decryptStream(bytes(key), bytes(prefix), cut, chunkBytes), "a cut stream");
  }
  return streams.length;
}

// Decrypts behind a header whose commitment (32 bytes) begins at `end`.
async function openStream(object, end, kind, contentKey, bound) {
  const info = join(label(`stream ${kind}`), await sha256(object.slice(0, end)), bound);
  const drawn = await expand(contentKey, info, 71);
  equal(drawn.slice(39), hex(object.slice(end, end + 32)), "commitment");
  return decryptStream(drawn.slice(0, 32), drawn.slice(32, 39), object.slice(end + 32));
}

function padme(length) {
  const exponent = Math.floor(Math.log2(length));
  const step = 2 ** (exponent - Math.floor(Math.log2(exponent)) - 1);
  return Math.ceil(length / step) * step;
}

async function checkParcel({ context, parcels }) {
  const { chain_id: chainId, contract, subject, author } = context;
  const place = join(number(chainId, 8), bytes(contract), bytes(subject), bytes(author));
  const compartment = join(number(context.class_number, 1), number(context.period, 2), number(context.epoch, 4));
  const bound = join(place, compartment);
  for (const vector of parcels) {
    const object = bytes(vector.object);
    equal(object.slice(0, 7), hex(utf8("MEDREC\x01")), "magic and version");
    const salt = object.slice(8, 40);
    let [end, contentKey] = [40, bytes(vector.content_key)];
    if (vector.suite === "COMPARTMENT") {
      equal(object.slice(7, 8), "01", "suite");
      contentKey = await hkdf(bytes(vector.compartment_key), salt, join(label("content"), bound));
    } else if (vector.suite === "SUBJECT") {
      equal(object.slice(7, 8), "02", "suite");
      end += 1175;
      const info = join(label("content to subject"), salt, place);
      const opened = await hpkeOpen(bytes(vector.seed), object.slice(40, end), info);
      equal(opened.slice(32), hex(compartment), "compartment");
      contentKey = opened.slice(0, 32);
    } else equal(object.slice(7, 8), "03", "suite");
    equal(contentKey, vector.content_key, "content key");

    const frame = await openStream(object, end, "parcel", contentKey, bound);
    const bodyBytes = Number(big(frame.slice(-8)));
    const bodyStart = 3 + Number(big(frame.slice(1, 3)));
    equal(String(padme(bodyStart + bodyBytes + 8)), String(frame.length), "padded length");
    if (vector.frame) equal(frame, vector.frame, "frame");
    else {
      equal(frame.slice(0, 1), "02", "kind");
      const description = JSON.parse(new TextDecoder().decode(frame.slice(3, bodyStart)));
      equal(JSON.stringify(description), JSON.stringify({ content_type: vector.content_type, name: vector.name }), "type");
      equal(frame.slice(bodyStart, bodyStart + bodyBytes), vector.blob, "blob");
    }
    await refuses(() => openStream(object, end, "parcel", contentKey, join(place, [0], compartment.slice(1))), "context");
  }
  return parcels.length;
}

async function checkBundle({ context, seeds, bundles }) {
  const place = join(number(context.chain_id, 8), bytes(context.contract), bytes(context.subject));
  const names = ["relationship", "grant", "rekey", "inheritance", "share", "succession", "plan", "reason"];
  const kinds = Object.fromEntries(names.map((name, at) => [name, at + 1]));
  for (const { kind, object: text } of bundles) {
    const [object, bound] = [bytes(text), join(place, [kinds[kind]])];
    equal(object.slice(0, 8), hex(join(utf8("MEDKEY\x01"), [seeds.length])), "magic and version");
    const end = 8 + seeds.length * 1168;
    for (const seed of seeds) {
      const keys = [];
      for (let start = 8; start < end; start += 1168) {
        const info = join(label("bundle key"), bound);
        const opened = await hpkeOpen(bytes(seed), object.slice(start, start + 1168), info).catch(() => null);
        if (opened) keys.push(opened);
      }
      equal(String(keys.length), "1", "keys for one recipient");
      const content = await openStream(object, end, "bundle", keys[0], bound);
      equal(String(content.length), String(1 << 14), "padded length");
      // A zstd frame; node 20 has no zstd, so what is in it is checked from Python.
      equal(content.slice(0, 4), "28b52ffd", "zstd");
      const length = Number(big(content.slice(-8)));
      equal(content.slice(length, -8), hex(new Uint8Array(content.length - 8 - length)), "padding");
    }
  }
  return bundles.length;
}

async function checkLocator({ keys, locators }) {
  for (const { locator, key, count, blind } of locators) {
    const secret = bytes(keys[key]);
    const tag = await hmac(secret, join(label("locator"), bytes(locator).slice(0, 8), number(count, 4)));
    equal(tag.slice(0, 8), locator.slice(16), "locator");
    equal(await hmac(secret, join(label("blind"), bytes(locator))), blind, "blind");
  }
  return locators.length;
}

async function checkBatch({ batches }) {
  const pair = (a, b) => (Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0 ? keccak(join(a, b)) : keccak(join(b, a)));
  for (const { leaves, manifest, root, proofs } of batches) {
    const lines = leaves.map((leaf) => {
      const words = [new Uint8Array(12), bytes(leaf.subject), number(leaf.number, 32), bytes(leaf.digest),
        bytes(leaf.locator), new Uint8Array(16), bytes(leaf.blind)];
      equal(keccak(keccak(join(...words))), leaf.hash, "leaf");
      return leaf.locator + leaf.digest + leaf.hash;
    }).sort();
    equal(manifest, hex(utf8("MEDLST\x01")) + lines.join(""), "manifest");
    lines.forEach((line, position) => {
      const computed = proofs[position].map(bytes).reduce(pair, bytes(line.slice(-64)));
      equal(computed, root, "proof");
    });
  }
  return batches.length;
}

async function checkSplitting({ secret, sharings }) {
  for (const { threshold, shares } of sharings) {
    equal(Uint8Array.from(slip39.recoverSecret(shares.slice(0, threshold))), secret, "secret");
    equal(Uint8Array.from(slip39.recoverSecret(shares.slice(-threshold))), secret, "secret");
    await refuses(() => slip39.recoverSecret(shares.slice(1, threshold)), "a share too few");
  }
  return sharings.length;
}

async function checkCustody({ shares, custody, plan }) {
  const sealed = [JSON.parse(shares), JSON.parse(custody)];
  equal(sealed.map(({ kind }) => kind).join(), "shares,custody", "kinds");
  const pair = (a, b) => (Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0 ? keccak(join(a, b)) : keccak(join(b, a)));
  for (const { guardian, salt, leaf, proof } of plan.guardians) {
    const words = join(new Uint8Array(12), bytes(plan.owner), new Uint8Array(12), bytes(guardian), bytes(salt));
    equal(keccak(keccak(words)), leaf, "guardian's leaf");
    equal(proof.map(bytes).reduce(pair, bytes(leaf)), plan.root, "guardian's proof");
  }
  return sealed.length + plan.guardians.length;
}

const checks = {
  derivation: checkDerivation,
  keytree: checkKeytree,
  hpke: checkHpke,
  stream: checkStream,
  parcel: checkParcel,
  bundle: checkBundle,
  locator: checkLocator,
  batch: checkBatch,
  splitting: checkSplitting,
  custody: checkCustody,
};

const [verb, argument] = process.argv.slice(2);
if (verb === "seal") {
  const { public_key: publicKey, plaintext, info } = JSON.parse(argument);
  console.log(hex(await hpkeSeal(bytes(publicKey), bytes(plaintext), bytes(info))));
} else if (verb === "open") {
  const { seed, sealed, info } = JSON.parse(argument);
  console.log(hex(await hpkeOpen(bytes(seed), bytes(sealed), bytes(info))));
} else {
  const counts = {};
  for (const [name, check] of Object.entries(checks)) {
    const vectors = JSON.parse(readFileSync(new URL(`${name}.json`, import.meta.url), "utf8"));
    counts[name] = await check(vectors);
  }
  console.log(JSON.stringify(counts));
}

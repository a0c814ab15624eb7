declare module "slip39" {
  interface Node {
    readonly mnemonics: string[];
  }
  export default class Slip39 {
    static fromArray(
      secret: number[],
      options: { passphrase: string; threshold: number; groups: [number, number, string][] },
    ): Slip39;
    static recoverSecret(mnemonics: string[], passphrase: string): number[];
    static validateMnemonic(mnemonic: string): boolean;
    fromPath(path: string): Node;
  }
}

declare module "slip39/src/slip39_helper.js" {
  const helper: { readonly WORD_LIST: readonly string[] };
  export default helper;
}

/** Says that the wallet is on another chain, by name, and offers the switch. */

import { useState } from "preact/hooks";
import type { PageError } from "../client/api.ts";
import { text } from "../text/catalogue.ts";
import { Foreign } from "./foreign.tsx";
import { Icon } from "./icons.tsx";
import { Fault } from "./pieces.tsx";
import { asPageError, network, walletState, wallets } from "./session.ts";

const CHAINS: Readonly<Record<number, string>> = {
  1: "Ethereum",
  10: "OP Mainnet",
  100: "Gnosis",
  137: "Polygon",
  8453: "Base",
  42161: "Arbitrum One",
  11155111: "Sepolia",
};

export function WrongChain() {
  const [error, setError] = useState<PageError | null>(null);
  const state = walletState.value;
  const wanted = network.value;
  if (state.kind !== "connected" || !wanted) return null;
  const here = CHAINS[state.chainId] ?? text("wallet.chainNumber", { number: state.chainId });
  const change = async () => {
    setError(null);
    try {
      await wallets.value?.switchChain();
    } catch (thrown) {
      setError(asPageError(thrown));
    }
  };
  return (
    <div class="notice warning" role="alert">
      <Icon name="warning" />
      <div>
        <p>
          <strong>{text("wallet.wrongChain")}</strong>{" "}
          <Foreign value={text("wallet.wrongChainHelp", { here, wanted: wanted.chainName })} />
        </p>
        {error && <Fault error={error} />}
        <button type="button" class="button primary" onClick={change}>
          <Foreign value={text("wallet.switch", { chain: wanted.chainName })} />
        </button>
      </div>
    </div>
  );
}

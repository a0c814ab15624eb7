/** The page's beginning: where its network is, which wallets there are, then the first screen. */

import { type NetworkConfig, PageError } from "./client/api.ts";
import { mount } from "./ui/mount.tsx";

const root = document.getElementById("app");
if (root) {
  await mount(root, async () => {
    const [config, { createWallets }] = await Promise.all([readConfig(), import("./client/entrance.ts")]);
    return { config, wallets: createWallets(config) };
  });
}

/** `config.json` beside the page. */
async function readConfig(): Promise<NetworkConfig> {
  let answer: Response;
  try {
    answer = await fetch("./config.json", { cache: "no-cache" });
  } catch (error) {
    throw new PageError("ChainUnavailable", { reason: "config.json" }, { cause: error });
  }
  if (!answer.ok) throw new PageError("DeploymentInvalid");
  try {
    return (await answer.json()) as NetworkConfig;
  } catch (error) {
    throw new PageError("DeploymentInvalid", {}, { cause: error });
  }
}

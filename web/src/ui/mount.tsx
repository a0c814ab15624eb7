/** Puts the page into an element, in the reader's language. */

import { render } from "preact";
import type { NetworkConfig, Wallets } from "../client/api.ts";
import { preferred, speak } from "../text/catalogue.ts";
import { App } from "./app.tsx";
import { network, useWallets } from "./session.ts";
import { Stopped } from "./stopped.tsx";
import "./styles/tokens.css";
import "./styles/page.css";
import "./styles/pieces.css";
import "./styles/forms.css";
import "./styles/dialogs.css";
import "./styles/welcome.css";
import "./styles/summary.css";
import "./styles/records.css";
import "./styles/sharing.css";
import "./styles/people.css";

export async function mount(
  root: HTMLElement,
  load: () => Promise<{ config: NetworkConfig; wallets: Wallets }>,
  languages: readonly string[] = navigator.languages,
): Promise<void> {
  await speak(preferred(languages));
  try {
    const { config, wallets } = await load();
    network.value = config;
    useWallets(wallets);
    render(<App />, root);
  } catch (error) {
    render(<Stopped error={error} />, root);
  }
}

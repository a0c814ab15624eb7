/** When the page can't even begin: why, and how to try again. */

import { text } from "../text/catalogue.ts";
import { Fault } from "./pieces.tsx";
import { asPageError } from "./session.ts";

export function Stopped({ error }: { error: unknown }) {
  return (
    <main class="stopped" id="content">
      <h1>{text("page.failed")}</h1>
      <Fault error={asPageError(error)} />
      <button type="button" class="button primary" onClick={() => location.reload()}>
        {text("page.tryAgain")}
      </button>
    </main>
  );
}

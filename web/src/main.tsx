import { render } from "preact";

render(<p>MedRec</p>, document.body);

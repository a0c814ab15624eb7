/** Records as somebody writes them who wants to harm the page or deceive its reader. */

const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

function base64(text: string): string {
  return btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(""));
}

/** Resources that must render harmlessly; `window.harmed` is set by whatever of them gets to run. */
export function hostileResources(): Record<string, unknown>[] {
  return [
    {
      resourceType: "Condition",
      code: { text: '<img src=x onerror="window.harmed=1">Headache<script>window.harmed=1</script>' },
      text: {
        status: "generated",
        div: '<div xmlns="http://www.w3.org/1999/xhtml">Fine<script>window.harmed=1</script><img src="https://evil.example/x.png" onerror="window.harmed=1"/><a href="javascript:window.harmed=1">click</a></div>',
      },
      onsetDateTime: "2024-03-01",
    },
    {
      resourceType: "MedicationRequest",
      medicationCodeableConcept: { text: "Aspirin \u202Egm 005 ekat\u202C 5 mg\u200B" },
      dosageInstruction: [{ text: "Take 1\u2066\u202E 001 \u2069tablets" }],
      authoredOn: "2024-03-02",
    },
    {
      resourceType: "DocumentReference",
      type: { text: "Note" },
      date: "2024-03-03T10:00:00Z",
      content: [
        {
          attachment: {
            contentType: "text/html",
            data: base64("<h1>Letter</h1><script>window.harmed=1</script><p onclick=alert(1)>Dear colleague</p>"),
          },
        },
        { attachment: { contentType: "image/svg+xml", data: base64('<svg onload="window.harmed=1"/>') } },
        { attachment: { contentType: "image/png", data: PIXEL, title: "A picture" } },
        { attachment: { contentType: "image/png", data: "not base64 at all!" } },
        { attachment: { contentType: "application/pdf", url: "https://evil.example/track.pdf" } },
      ],
    },
    {
      resourceType: "DiagnosticReport",
      code: { text: "A very long report" },
      effectiveDateTime: "2024-03-04",
      presentedForm: [{ contentType: "text/plain", data: base64("A line that repeats itself. ".repeat(40_000)) }],
    },
    { resourceType: "Observation", code: [], valueQuantity: { value: { deep: "no" } }, component: "none" },
    { resourceType: ["Patient"], name: 7, code: null, text: { div: 3 } },
    { resourceType: "Observation", code: { text: "A" }, valueQuantity: { value: "1e999", unit: "x" } },
    {
      resourceType: "Observation",
      code: { text: `${"wide".repeat(200)}` },
      valueString: "\u0000\u001b[31mred\u0007",
      effectiveDateTime: "99999-99-99",
    },
  ];
}

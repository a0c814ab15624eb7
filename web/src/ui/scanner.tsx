/** Reads a QR code from the camera or from a picture; the reader is fetched only when somebody scans. */

import { useEffect, useRef, useState } from "preact/hooks";
import { text } from "../text/catalogue.ts";
import { Field } from "./pieces.tsx";

/** Pictures are made this small before reading: codes are found as well, and much faster. */
const MAX_SIDE = 1600;
/** Between two looks at the camera's picture, in milliseconds. */
const PAUSE = 200;

export function Scanner({ onText }: { onText: (scanned: string) => void }) {
  const video = useRef<HTMLVideoElement>(null);
  const [problem, setProblem] = useState<"camera" | "none" | null>(null);
  const [hasCamera, setHasCamera] = useState(false);

  useEffect(() => {
    let isOver = false;
    let stream: MediaStream | undefined;
    let timer: ReturnType<typeof setTimeout>;
    const look = async () => {
      const element = video.current;
      if (isOver || !element) return;
      const found = element.videoWidth ? await read(element, element.videoWidth, element.videoHeight) : null;
      if (isOver) return;
      if (found) onText(found);
      else timer = setTimeout(look, PAUSE);
    };
    const start = async () => {
      try {
        stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
        if (isOver || !video.current) return stop(stream);
        video.current.srcObject = stream;
        await video.current.play();
        setHasCamera(true);
        await look();
      } catch {
        if (!isOver) setProblem("camera");
      }
    };
    void start();
    return () => {
      isOver = true;
      clearTimeout(timer);
      if (stream) stop(stream);
    };
  }, []);

  const readFile = async (file: File | undefined) => {
    if (!file) return;
    setProblem(null);
    try {
      const picture = await createImageBitmap(file);
      const found = await read(picture, picture.width, picture.height);
      picture.close();
      if (found) onText(found);
      else setProblem("none");
    } catch {
      setProblem("none");
    }
  };

  return (
    <div class="scanner">
      <video
        ref={video}
        muted
        playsInline
        class={hasCamera ? "camera" : "camera off"}
        aria-label={text("scan.camera")}
      />
      <p class="help" role="status">
        {problem ? text(problem === "camera" ? "scan.noCamera" : "scan.noCode") : text("scan.help")}
      </p>
      <Field label={text("scan.file")}>
        {({ id }) => (
          <input
            id={id}
            type="file"
            accept="image/*"
            onChange={(event) => void readFile(event.currentTarget.files?.[0])}
          />
        )}
      </Field>
    </div>
  );
}

/** The camera's light goes out when nobody looks through it any more. */
function stop(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

async function read(source: CanvasImageSource, width: number, height: number): Promise<string | null> {
  const { default: jsQR } = await import("jsqr");
  const scale = Math.min(1, MAX_SIDE / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) return null;
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  return jsQR(pixels.data, pixels.width, pixels.height)?.data || null;
}

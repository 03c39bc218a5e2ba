/** Pictures and index files, from the page itself or from the folder beside it. */
const pictureCache = new Map();
const PICTURES_KEPT = 16;

function loadPicture(url) {
  if (pictureCache.has(url)) return pictureCache.get(url);
  const image = new Image();
  image.src = url;
  const loaded = image.decode().then(
    () => image,
    () => {
      pictureCache.delete(url);
      throw new Error(url.startsWith("data:") ? "an embedded picture can't be shown" : `${url} is not beside this page; keep the folder “viewer” with it`);
    },
  );
  pictureCache.set(url, loaded);
  if (pictureCache.size > PICTURES_KEPT) pictureCache.delete(pictureCache.keys().next().value);
  return loaded;
}

const indexCache = new Map();
let arrived = null;
window.rdbenchImage = (index) => {
  arrived = index;
};

/** The operating points of an image. A script, since a page opened from disk may read files in no other way. */
function loadIndex(path) {
  if (!indexCache.has(path)) {
    indexCache.set(
      path,
      new Promise((resolve, reject) => {
        const script = element("script", { src: path });
        script.onload = () => {
          script.remove();
          if (arrived) resolve(arrived);
          else reject(new Error(`${path} is damaged`));
          arrived = null;
        };
        script.onerror = () => {
          script.remove();
          indexCache.delete(path);
          reject(new Error(`${path} is not beside this page; keep the folder “viewer” with it`));
        };
        document.head.append(script);
      }),
    );
  }
  return indexCache.get(path);
}

/**
 * Draw two pictures of equal size into a canvas, as far as they are visible.
 * `view` is {scale, x, y}: device pixels for one picture pixel, and the picture's point in the middle.
 * `cell` is how many of these a pixel of the pictures stands for: more than one in a map.
 */
function paint(canvas, pictures, view, mode, divider, flipped, cell = 1) {
  const context = canvas.getContext("2d");
  const { width, height } = canvas;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.globalCompositeOperation = "source-over";
  context.clearRect(0, 0, width, height);
  context.imageSmoothingEnabled = view.scale < 1 || cell > 1;
  context.imageSmoothingQuality = "high";
  const left = Math.round(width / 2 - view.x * view.scale);
  const top = Math.round(height / 2 - view.y * view.scale);
  const draw = (picture) => picture && context.drawImage(picture, left, top, Math.round(picture.naturalWidth * cell * view.scale), Math.round(picture.naturalHeight * cell * view.scale));
  const [first, second] = pictures;
  if (mode === "map") {
    context.fillStyle = "#000"; // the original has no error
    context.fillRect(0, 0, width, height);
  }
  if (mode === "difference") {
    if (!first || !second) return;
    draw(first);
    context.globalCompositeOperation = "difference";
    draw(second);
    context.globalCompositeOperation = "source-over";
  } else if (mode === "flicker") {
    draw(flipped ? second : first);
  } else {
    const edge = Math.round(divider * width);
    const part = (from, to, picture) => {
      context.save();
      context.beginPath();
      context.rect(from, 0, to - from, height);
      context.clip();
      draw(picture);
      context.restore();
    };
    part(0, edge, first);
    part(edge, width, second);
    const line = Math.max(2, Math.round(window.devicePixelRatio * 2));
    context.fillStyle = "#000";
    context.fillRect(edge - line, 0, 2 * line, height);
    context.fillStyle = "#fff";
    context.fillRect(edge - line / 2, 0, line, height);
  }
}

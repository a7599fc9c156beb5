"""People in pictures, by whatever detector is there; each gives :class:`.perception.camera_people.Boxes`.

* `HogPeople`: OpenCV 4's histogram of oriented gradients with the weights it brings (Dalal and Triggs, "Histograms of
  oriented gradients for human detection", CVPR 2005). It needs nothing else and finds people who stand upright and are
  at least about 100 px tall. OpenCV 5 no longer has it.
* `OnnxPeople`: a network from a file, run by OpenCV; its output is rows of left, top, right, bottom, score, class.
* `TorchvisionPeople`: torchvision's box detectors with weights the user has; imported only when asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from sac_son_nav.errors import ConfigError
from sac_son_nav.perception.camera_people import Boxes

Picture = NDArray[np.uint8]  # (H, W, 3), blue first as OpenCV has it
_WINDOW = (64, 128)  # [px] of the detector's window
_MARGIN = (16.0 / 64.0, 16.0 / 128.0)  # of the window that is background on each side of a person


class ImagePeople(Protocol):
    """Finds people in one picture."""

    def find(self, picture: Picture) -> Boxes:
        """Everybody in the picture."""


class HogPeople:
    """OpenCV's own detector; `scale` < 1 looks at a smaller picture and is faster."""

    def __init__(self, scale: float = 1.0, least_score: float = 0.3) -> None:
        if not hasattr(cv2, "HOGDescriptor"):
            raise ConfigError(f"people in pictures: expected OpenCV 4, got {cv2.__version__} without its detector")
        if not 0.0 < scale <= 1.0:
            raise ConfigError(f"people in pictures: expected a scale above 0 and at most 1, got {scale}")
        self.scale, self.least_score = scale, least_score
        self._hog = cv2.HOGDescriptor()
        weights: Any = cv2.HOGDescriptor.getDefaultPeopleDetector()
        self._hog.setSVMDetector(weights)

    def find(self, picture: Picture) -> Boxes:
        """See :class:`ImagePeople`; the confidence is a logistic function of the support vector machine's margin."""
        small = cv2.resize(picture, None, fx=self.scale, fy=self.scale) if self.scale < 1.0 else picture
        if small.shape[0] < _WINDOW[1] or small.shape[1] < _WINDOW[0]:
            return _nobody()
        found, margins = self._hog.detectMultiScale(small, winStride=(8, 8), padding=(8, 8), scale=1.05)
        if len(found) == 0:
            return _nobody()
        boxes, scores = np.asarray(found, dtype=np.float64), np.asarray(margins, dtype=np.float64).reshape(-1)
        inset = boxes[:, 2:] * np.array(_MARGIN)
        edges = np.concatenate([boxes[:, :2] + inset, boxes[:, :2] + boxes[:, 2:] - inset], axis=1) / self.scale
        sure = scores >= self.least_score
        return apart(Boxes(edges[sure], 1.0 / (1.0 + np.exp(-3.0 * (scores[sure] - 0.5)))))


class OnnxPeople:
    """A detector from an ONNX file; `person` is its class of people."""

    def __init__(self, file: Path | str, size: int = 640, person: int = 0, least_score: float = 0.4) -> None:
        try:
            self._net = cv2.dnn.readNetFromONNX(str(file))
        except cv2.error as error:
            raise ConfigError(f"detector {file}: expected an ONNX network, got {error.msg or 'an error'}") from None
        self.size, self.person, self.least_score = size, person, least_score

    def find(self, picture: Picture) -> Boxes:
        """See :class:`ImagePeople`. The picture is squeezed into the network's square."""
        height, width = picture.shape[:2]
        blob = cv2.dnn.blobFromImage(picture, 1.0 / 255.0, (self.size, self.size), swapRB=True)
        self._net.setInput(blob)
        rows = np.asarray(self._net.forward(), dtype=np.float64).reshape(-1, 6)
        rows = rows[(rows[:, 5].round() == self.person) & (rows[:, 4] >= self.least_score)]
        return apart(Boxes(rows[:, :4] * np.tile([width, height], 2) / self.size, rows[:, 4]))


class TorchvisionPeople:
    """One of torchvision's detectors, given with its weights loaded; label 1 is a person."""

    def __init__(self, model: Any, least_score: float = 0.5) -> None:
        try:
            import torch
        except ModuleNotFoundError:
            raise ConfigError("people in pictures: expected torch for this detector, got none installed") from None
        self._torch, self._model, self.least_score = torch, model.eval(), least_score

    def find(self, picture: Picture) -> Boxes:
        """See :class:`ImagePeople`."""
        red_first = np.ascontiguousarray(picture[:, :, ::-1].transpose(2, 0, 1))
        with self._torch.no_grad():
            found = self._model([self._torch.from_numpy(red_first).float() / 255.0])[0]
        scores, labels = found["scores"].numpy(), found["labels"].numpy()
        sure = (labels == 1) & (scores >= self.least_score)
        return apart(Boxes(found["boxes"].numpy()[sure].astype(np.float64), scores[sure].astype(np.float64)))


def apart(boxes: Boxes, overlap: float = 0.5) -> Boxes:
    """The surest boxes of those that share more than `overlap` of the smaller one."""
    kept: list[int] = []
    sizes = np.prod(np.maximum(boxes.edges[:, 2:] - boxes.edges[:, :2], 1e-9), axis=1)
    for row in np.argsort(-boxes.confidences, kind="stable"):
        low = np.maximum(boxes.edges[row, :2], boxes.edges[kept, :2])
        high = np.minimum(boxes.edges[row, 2:], boxes.edges[kept, 2:])
        shared = np.prod(np.maximum(high - low, 0.0), axis=1)
        if not np.any(shared > overlap * np.minimum(sizes[row], sizes[kept])):
            kept.append(int(row))
    return Boxes(boxes.edges[kept], boxes.confidences[kept])


def _nobody() -> Boxes:
    return Boxes(np.zeros((0, 4)), np.zeros(0))

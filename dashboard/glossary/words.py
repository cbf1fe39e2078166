"""The words of the program, explained to somebody who reads images for a living."""

from dataclasses import dataclass

from coreset_lib.scores import SCORES
from coreset_lib.scores.curve_shapes import SHAPES
from coreset_lib.selection import STRATEGIES


@dataclass(frozen=True)
class Term:
    """A word, what it means, where it comes from and the page that shows it (short name)."""

    name: str
    meaning: str
    source: str = ""
    page: str = ""

    def matches(self, wanted: str) -> bool:
        """Whether every word that was typed occurs in the name or in the meaning."""
        text = f"{self.name} {self.meaning} {self.source}".casefold()
        return all(word in text for word in wanted.casefold().split())


TRAINING = (
    Term(
        "Run",
        "One training of a small network on your images, watched from the first to the last "
        "epoch. Everything that the pages show is read from a run; your images and labels are "
        "never changed.",
        page="runs",
    ),
    Term(
        "Surrogate network",
        "The network that is trained only to see how hard each image is to learn. It is small on "
        "purpose; the network that you will use in the end can be another one.",
    ),
    Term(
        "Epoch",
        "One pass of the network over all training images. A run of 60 epochs has seen every "
        "image 60 times, and has noted its answer 60 times.",
        page="trajectories",
    ),
    Term(
        "Train, validation, test",
        "Three separate parts of the data. The network learns from train. Validation is for "
        "choosing options. Test is looked at once, at the end, so that its figures stay honest.",
    ),
    Term(
        "Seed",
        "The number that all chance in a run starts from. The same seed on the same machine gives "
        "the same numbers; another seed shows how far they depend on luck.",
    ),
    Term(
        "Fingerprint",
        "A checksum over all pixels and labels. If one pixel changes, so does the fingerprint, "
        "and the program says that the run belongs to other data.",
    ),
    Term(
        "Synthetic data",
        "Images that a program has drawn (the phantom of the demo). They are good for trying "
        "things out and say nothing about patients.",
        page="runs",
    ),
)

LEARNING = (
    Term(
        "Error (error norm)",
        "How far the network's answer is from the label: 0 when it is sure and agrees with the "
        "label, at most 1.41 when it is sure and disagrees.",
        "EVA, Eq. 2-3",
        "trajectories",
    ),
    Term(
        "Confidence in the label",
        "The probability that the network gives to the class on the label, from 0 to 1.",
        page="trajectories",
    ),
    Term(
        "Margin",
        "The probability of the class on the label minus that of the strongest other class. "
        "Below 0 the network prefers another class than the label.",
        page="trajectories",
    ),
    Term(
        "Trajectory",
        "The error of one image from epoch to epoch, drawn as a line. An easy image falls early "
        "and stays low; a doubtful one keeps jumping.",
        page="trajectories",
    ),
    Term(
        "Early and late window",
        "Two stretches of epochs that you can drag on the plot. Scores such as EVA measure how "
        "much the error jumps inside them.",
        "EVA, Eq. 4-6",
        "trajectories",
    ),
    Term(
        "Forgetting event",
        "The network had the image right in one epoch and wrong in the next. Many such events "
        "mean that the image is at odds with the others of its class.",
        "Toneva et al. 2019",
        "reliability",
    ),
    Term(
        "Never learned",
        "Wrong in every epoch. The label may be wrong, or the image unlike all others: worth a "
        "look by an expert.",
        page="reliability",
    ),
    Term(
        "Data map",
        "A plot of all images by mean confidence (up) and by how much it varies (right). Low and "
        "left: the network never agreed with the label.",
        "Swayamdipta et al. 2020",
        "trajectories",
    ),
    *(
        Term(f"History: {name}", f"{meaning[:1].upper()}{meaning[1:]}", page="reliability")
        for name, meaning in SHAPES.items()
    ),
)

SEEING = (
    Term(
        "Embedding",
        "The numbers by which the network describes an image just before it decides. Images with "
        "similar numbers look alike to the network.",
        page="map",
    ),
    Term(
        "UMAP",
        "A way to draw the embedding on a flat map that keeps neighbours together. Distances "
        "across the map mean little; who lies beside whom means much.",
        "McInnes et al. 2018",
        "map",
    ),
    Term(
        "PCA",
        "A simpler flat map: the two directions in which the embedding varies most. Distances "
        "are faithful, neighbourhoods less so.",
        page="map",
    ),
    Term(
        "K-Medoids, medoid",
        "Sorts the images of a class into K groups of images that look alike to the network. The "
        "medoid is the image in the middle of a group: its most typical member.",
        "Schubert and Rousseeuw 2021",
        "map",
    ),
    Term(
        "Silhouette",
        "How much closer images are to their own group than to the next one: 1 is clear-cut, "
        "around 0 the groups run into each other. It is used to choose K.",
        "Rousseeuw 1987",
        "map",
    ),
    Term(
        "Selection",
        "The images that you have marked, by lasso, by tick or by search. It is the same on every "
        "page, is in the address of the page, and can be undone and exported.",
        page="map",
    ),
    Term(
        "Window and level",
        "Which grey values of a 16-bit or DICOM image are shown from black to white. For 8-bit "
        "images the same control is called contrast.",
    ),
)

CHOOSING = (
    Term(
        "Coreset",
        "A small part of the training images that is meant to train a network nearly as well as "
        "all of them.",
        page="coreset",
    ),
    Term(
        "Rate, budget",
        "How large the coreset is: as a share of all training images, or as their number.",
        page="coreset",
    ),
    Term(
        "Score",
        "One number for each image that says how hard or how unreliable it is. Different papers "
        "count different things, so no score is right for every purpose.",
        page="coreset",
    ),
    Term(
        "Balance",
        "How many images each class gets. Global: as they come, which can leave out a class. "
        "Proportional: as in the data. Equal: the same number each.",
        page="coreset",
    ),
    Term(
        "Noise cut",
        "Before choosing, leave out the images whose margin was lowest: those most likely to "
        "carry a wrong label.",
        "CCS; AUM",
        "coreset",
    ),
    Term(
        "Quick check",
        "In about 20 seconds: small networks are trained on the coreset and on random draws of its "
        "size, and judged on validation. What lies inside the noise is said to: cannot be told "
        "apart. The Benchmark page trains the run's own network.",
        page="coreset",
    ),
    Term(
        "Provenance file",
        "The small file beside each CSV that names the run, the data, all options and versions. "
        "With it the CSV can be computed again and compared byte by byte.",
        page="coreset",
    ),
)

JUDGING = (
    Term(
        "Random coreset",
        "As many images, drawn by lot. A method that does not beat it is not worth its trouble; "
        "on small rates many published methods do not.",
        page="benchmark",
    ),
    Term(
        "Accuracy and balanced accuracy",
        "Accuracy: the share of images that are classified correctly. Balanced accuracy: the same "
        "for each class, then averaged, so that a rare class counts as much as a common one.",
        page="benchmark",
    ),
    Term(
        "Recall",
        "Of the images that truly belong to a class, the share that was found. In medicine: "
        "sensitivity for that class.",
        page="benchmark",
    ),
    Term(
        "AUC",
        "How well the network ranks images of a class above the others, whatever the threshold: "
        "0.5 is guessing, 1 is perfect. Macro: averaged over the classes.",
        page="benchmark",
    ),
    Term(
        "Paired 95 % interval",
        "Both methods are trained with the same seeds, and the differences are compared. If the "
        "interval of the mean difference contains 0, no difference was seen.",
        page="benchmark",
    ),
    Term(
        "Honest and paper protocol",
        "Honest: options are chosen on validation, the result is read on test after the last "
        "epoch. Paper: the best epoch on validation, as some publications do; for comparison only.",
        page="benchmark",
    ),
)

CORRECTING = (
    Term(
        "Co-teaching",
        "Two networks learn side by side, and each tells the other which labels to trust. Labels "
        "that neither trusts in the end are called wrong. A second opinion, not a truth.",
        page="refinement",
    ),
    Term(
        "Noise rate",
        "The share of labels that are thought to be wrong. It is estimated from the first epochs "
        "of the run, or given by you.",
        page="refinement",
    ),
    Term(
        "Refinement, round",
        "An expert is asked about the doubtful labels in rounds, under a budget; after each round "
        "a network is trained anew on the labels that are trusted or answered.",
        page="refinement",
    ),
    Term(
        "Kappa",
        "How far readers agree beyond chance: 1 is full agreement, 0 is what guessing would give.",
        page="review",
    ),
)

HARD_END = {
    "harder": "A high value means hard or unreliable.",
    "easier": "A low value means hard or unreliable.",
}

SECTIONS: dict[str, tuple[Term, ...]] = {
    "Data and training": TRAINING,
    "How an image was learned": LEARNING,
    "Maps, groups and selections": SEEING,
    "Choosing a coreset": CHOOSING,
    "Scores": tuple(
        Term(s.title, f"{s.summary} {HARD_END[s.direction]}", s.source) for s in SCORES.values()
    ),
    "Strategies": tuple(Term(s.title, s.summary) for s in STRATEGIES.values()),
    "Judging a coreset": JUDGING,
    "Correcting labels": CORRECTING,
}


def matching(wanted: str) -> dict[str, tuple[Term, ...]]:
    """Return the sections with the terms that fit what was typed; sections without are left out."""
    found = {
        title: tuple(term for term in terms if term.matches(wanted))
        for title, terms in SECTIONS.items()
    }
    return {title: terms for title, terms in found.items() if terms}

"""Which files stay out of a bundle: what of the web engine is of no use to one window, what tells of this machine."""

from __future__ import annotations

import re
from pathlib import PurePath

_UNWANTED = re.compile(
    "|".join(
        (
            r"qtwebengine_devtools_resources",
            r"translations/(?!qtwebengine_locales/en-US\.pak)",
            r"(^|/)(qml|examples|scripts|typesystems|glue|metatypes|include|doc)/",
            r"Qt6?(Quick3D|QuickControls|Pdf|Multimedia|Spatial|Charts|DataVisualization|Graphs|3D|Test|Sql|Designer)",
            r"Qt6?(Bluetooth|Nfc|Sensors|SerialPort|Scxml|RemoteObjects|TextToSpeech|VirtualKeyboard|ShaderTools|Help)",
            r"Qt6?(QuickTimeline|QuickEffects|QuickParticles|QuickShapes|QuickTest|QuickTemplates2|QuickDialogs2|QuickVectorImage|Lottie)",
            r"Qt6?(Labs|Location|WaylandCompositor|WlShell|EglFS|Egl[Ff]s|StateMachine|Concurrent|WebView|QmlLocalStorage|QmlNetwork|QmlXmlListModel)",
            r"lib(av(codec|format|util)|swscale|swresample)\.",
            # A file dialog in GTK's look, for which GTK would have to come along, and what is printed to.
            r"libqgtk3|libqpdf|libqtvirtualkeyboard|libqeglfs|libqlinuxfb|libqvnc|libqminimal",
            r"plugins/(sqldrivers|multimedia|position|sensors|qmltooling|designer|virtualkeyboard|assetimporters)/",
            r"plugins/(printsupport|egldeviceintegrations|wayland-graphics-integration-server|generic|networkinformation)/",
            r"plugins/(sceneparsers|geometryloaders|renderers|canbus|texttospeech|scxmldatamodel|help)/",
            # What Python would draw with itself: the window leaves that to the engine.
            r"PySide6/QtOpenGL(Widgets)?\.",
            r"\.(pyi|debug)$",
        )
    )
)
# Which those would have brought.
_THEIRS = re.compile(
    # Pillow's own have a sum in their names.
    r"lib(?![\w-]*-[0-9a-f]{8}\.)(gtk-3|gdk-3|gdk_pixbuf|cairo|pango|atk|atspi|epoxy|pixman|thai|datrie|fribidi|graphite2|harfbuzz|jpeg"
    r"|cups|avahi|gnutls|hogweed|nettle|unistring|idn2|p11-kit|tasn1|gmp|pulse|sndfile|FLAC|vorbis|ogg|opus|mpg123"
    r"|mp3lame|asyncns|Xinerama|Xcursor)[\w.-]*\.so"
)

# The sums of what pip installed here, starters with the path of this environment among them: two builds would differ.
_RECORD = re.compile(r"\.dist-info/RECORD$")


def is_wanted(name: str) -> bool:
    """Whether a file, named by its place in the bundle, is shipped."""
    path = PurePath(name).as_posix()
    if _RECORD.search(path):
        return False
    if "/" not in path and _THEIRS.match(path):
        return False
    of_qt = "PySide6" in path or re.search(r"(^|/)lib(Qt6|av|sw)", path) is not None
    return not (of_qt and _UNWANTED.search(path))

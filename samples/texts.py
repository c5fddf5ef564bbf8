"""What the sample pages say. Everything here was written for ocrloom; a line is a paragraph."""

from __future__ import annotations


def _paragraphs(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


LETTER_HEAD = ("The Weaving House", "Archive and Reading Room")
LETTER_DATE = "12 March 2024"
LETTER_GREETING = "Dear friends of the loom,"
LETTER_CLOSING = ("With kind regards,", "The keepers of the archive")
LETTER = _paragraphs("""
Thank you for the box of pattern books that reached us last week. We opened it at the long table \
by the window, where the light is best, and found forty-two small volumes in good order. Each page \
carries a draft, a sample of cloth and a note in a clear and patient hand.
Before anything is copied, the books rest for a few days so that the paper can take on the air of \
the room. After that we scan them page by page, at 300 dots per inch, and read the text with a \
program that runs on our own machine. Nothing leaves the house, and nobody has to wait for a \
connection.
What we hope for is simple. A visitor should be able to ask for a twill with a blue border and see \
every page on which one is described, with the words marked in the picture. Until now this took an \
afternoon with the card index and a ladder.
You are welcome to come and watch the work between Tuesday and Friday, from 10 to 4. Please bring \
the list of the volumes that are still missing, and a warm coat: the reading room is kept at 16 \
degrees all year, which is kind to paper and less so to people.
""")

REPORT_TITLE = "Annual Report of the Paper Room"
REPORT_PAGE = "7"
REPORT: list[tuple[str, list[str], list[str]]] = [  # heading, paragraphs, items of a list
    (
        "1. Summary",
        _paragraphs("""
The year began with a leaking roof and ended with a new one. In between, 12,480 pages were \
scanned, 310 volumes were cleaned and the catalogue was read twice for errors.
Visitors asked for more help with old handwriting, and for longer opening hours in winter. Both \
are planned for the coming year.
"""),
        [],
    ),
    (
        "2. Work done",
        ["The following parts of the collection are now complete:"],
        [
            "Pattern books of the spinning school, 64 volumes",
            "Maps of rivers, mills and bleaching fields, 118 sheets",
            "Account books with samples of dyed yarn, 27 volumes",
            "Letters about the repair of looms, 903 sheets",
        ],
    ),
    (
        "3. Condition",
        _paragraphs("""
Most volumes are in good condition. About 8 % show damage by water, chiefly along the lower edge; \
these were dried between sheets of felt and pressed for two weeks. No mould was found.
The temperature stayed between 15 and 17 degrees and the relative humidity between 45 and 52 %, \
except for three days in August.
"""),
        [],
    ),
    (
        "4. Plans",
        ["In the coming year we intend to"],
        [
            "scan the remaining 5,200 pages of the pattern books,",
            "replace the lamps above the long tables,",
            "offer a course in paper repair each spring.",
        ],
    ),
]

TABLE_TITLE = "Cloth woven from January to June, in metres"
TABLE_COLUMNS = ("Month", "Linen", "Wool", "Cotton", "Silk", "Total")
TABLE: list[tuple[str, tuple[int, int, int, int]]] = [
    ("January", (1204, 886, 2310, 95)),
    ("February", (1178, 914, 2265, 102)),
    ("March", (1350, 790, 2480, 118)),
    ("April", (1422, 655, 2617, 127)),
    ("May", (1511, 482, 2794, 140)),
    ("June", (1493, 367, 2856, 133)),
]
TABLE_NOTE = "Lengths were measured after washing. Ribbons and samples are not counted."

TABLES_TITLE = "Stock and Rooms of the Paper House"
TABLES_TEXT = (
    "What lies on the shelves was counted in January and again in June, each time by two people. "
    "The rooms are open to everybody, and the seats were counted as well, though more quickly."
)
TABLES_CAPTIONS = (
    "Table 1. Sheets on the shelves, by kind",
    "Table 2. Rooms, their hours and their seats",
)
# Row, column, text, rows and columns that it spans.
TABLES_STOCK: list[tuple[int, int, str, int, int]] = [
    (0, 2, "Sheets", 1, 2),
    (1, 0, "Kind", 1, 1),
    (1, 1, "Used for", 1, 1),
    (1, 2, "January", 1, 1),
    (1, 3, "June", 1, 1),
    (1, 4, "Change", 1, 1),
    (2, 0, "Rag", 1, 1),
    (2, 1, "Prints", 1, 1),
    (2, 2, "12,480", 1, 1),
    (2, 3, "11,905", 1, 1),
    (2, 4, "-4.6 %", 1, 1),
    (3, 0, "Hemp", 1, 1),
    (3, 1, "Bindings and the\nrepair of old maps", 1, 1),
    (3, 2, "3,150", 1, 1),
    (3, 3, "3,420", 1, 1),
    (3, 4, "8.6 %", 1, 1),
    (4, 0, "Straw", 1, 1),
    (4, 1, "Packing", 1, 1),
    (4, 2, "870", 1, 1),
    (5, 0, "Silk", 1, 1),
    (5, 1, "Covers of books", 1, 1),
    (5, 2, "95", 1, 1),
    (5, 3, "102", 1, 1),
    (5, 4, "7.4 %", 1, 1),
    (6, 0, "Sum", 1, 1),
    (6, 2, "16,595", 1, 1),
    (6, 3, "15,427", 1, 1),
    (6, 4, "-7.0 %", 1, 1),
]
TABLES_ROOMS: list[tuple[int, int, str, int, int]] = [
    (0, 0, "Room", 2, 1),
    (0, 1, "Open", 1, 2),
    (0, 3, "Remarks", 2, 1),
    (1, 1, "Winter", 1, 1),
    (1, 2, "Summer", 1, 1),
    (2, 0, "Reading room", 1, 1),
    (2, 1, "10 to 4", 1, 1),
    (2, 2, "9 to 6", 1, 1),
    (2, 3, "24 seats, and lamps\nwith cold light", 1, 1),
    (3, 0, "Print shop", 1, 1),
    (3, 2, "9 to 12", 1, 1),
    (3, 3, "No heating", 1, 1),
    (4, 0, "Garden", 1, 1),
    (4, 1, "All day", 1, 2),
    (4, 3, "The bench by the\nwall is dry even\nafter rain", 1, 1),
]
TABLES_PAGE = "12"

COLUMNS_TITLE = "News from the Loom"
COLUMNS_UNDER = "A letter for the members of the workshop, spring issue"
COLUMNS = _paragraphs("""
The old floor loom is back in its place by the door. Over the winter its frame was taken apart, \
cleaned with warm water and rubbed with oil. Two of the treadles were beyond repair and had to be \
made anew from ash wood, which is light and does not split.
The first cloth on it will be a plain linen of medium weight. A warp of twelve metres is enough \
for eight towels, and every member may weave one of them. A list hangs beside the window; please \
sign with a pencil, since plans change.
Our small library has grown as well. Thirty books about dyeing arrived in April, most of them with \
samples pasted in by hand. They may be read in the room but not taken home, because the glue is \
old and the samples fall out.
Everybody who helps with scanning can learn how to treat such pages. A sheet of glass keeps them \
flat, a grey card beside the page tells later readers how the colours were meant, and the rest is \
patience.
In May the garden of dye plants opens again. Woad, weld and madder came through the frost without \
harm. The beds need weeding on the first Saturday of the month, and there will be soup at noon for \
everybody who comes with a hoe.
Lost and found: one pair of scissors with a green ribbon, a left glove, and a shuttle of pear wood \
with the letter M burnt into its side. They wait in the drawer below the clock.
""")

RECEIPT_HEAD = ("YARN AND PAPER SHOP", "at the old mill", "Thank you for your visit")
RECEIPT_ITEMS: list[tuple[str, int]] = [  # label, price in hundredths
    ("Linen yarn 16/2", 1450),
    ("Wool, undyed", 980),
    ("Shuttle, pear wood", 2275),
    ("Paper A3 x 20", 640),
    ("Bone folder", 425),
    ("Beeswax", 390),
]
RECEIPT_FOOT = ("Please keep this receipt", "Open Tuesday to Saturday")

SKEWED_TITLE = "How a Warp is Made"
SKEWED = _paragraphs("""
A warp begins with counting. The weaver decides how wide the cloth shall be and how many threads \
lie in one centimetre, multiplies the two and adds a few for the edges. The number is written on a \
card, and the card stays with the warp until the cloth is finished.
Then the yarn is wound around the pegs of a frame. One turn gives two threads, and every time the \
hand comes back it lays them across each other. This crossing keeps the order: whatever happens \
later, no thread can lose its neighbour.
When all threads are wound, the warp is tied in four places, taken from the frame and made into a \
chain, much as one shortens a rope. In this form it can be carried, dyed or kept for years without \
a single knot.
On the loom the chain is opened again, spread to its full width and wound on the back beam with \
strips of paper between the layers. Two people do this best: one turns, the other pulls, and \
neither hurries.
The last step takes longest. Each thread is drawn through the eye of a heddle and through a gap \
of the reed, in the order that the draft gives. A mistake here shows in every centimetre of the \
cloth, so most weavers stop after each hundred and check.
""")

TURNED_TITLE = "Rules of the Reading Room"
TURNED = _paragraphs("""
Bags, coats and umbrellas stay in the lockers by the entrance. The key is free, and so is the \
advice to remember its number.
Only pencils are used for notes. Pens are kept at the desk and given back when you leave, together \
with our thanks.
Books lie on the wedges of foam, never flat and never on top of each other. Turn the pages at \
their upper corner, slowly, and with dry and clean hands. Gloves are not needed for paper.
Photographs without flash are allowed. Please lay the small ruler beside each page, so that others \
can tell how large it was.
Requests that arrive before noon are brought to your table on the same day. Up to five volumes can \
wait for you on the shelf for two weeks.
""")

UPSIDE_TITLE = "Care of the Loom"
UPSIDE = _paragraphs("""
Wood moves with the weather. In a dry winter the wedges of the frame come loose and should be \
tapped home with a wooden mallet; in a wet summer they must be left alone. A loom that stands near \
a stove or in the sun will warp before its cloth does.
Dust is the enemy of every moving part. Brush the beams and the reed after each piece, and wipe \
the treadles with a cloth that is barely damp. Once a year a drop of oil on each axle is enough.
Cords stretch. Measure them every spring against the marks on the frame, and change them in pairs \
so that both sides rise to the same height. Keep the old ones: they are good for tying parcels and \
tomatoes.
""")

BOOK_TITLE = "The Paper Mill"
BOOK_CHAPTER = "Chapter One"
BOOK = _paragraphs("""
The mill stood where the valley narrowed, so close to the water that in spring the lowest windows \
had to be shut with boards. It was older than the road, older than the bridge, and, as the miller \
liked to say, older than any story that was told about it.
Paper had been made there for so long that nobody asked why. Rags came down from the villages on \
carts, were sorted by the women in the upper room and went through a hole in the floor to the \
stampers, which rose and fell day and night. Strangers could not sleep for the noise; those who \
were born in the valley woke up when it stopped.
It stopped on a morning in October. The wheel turned, the water ran, but the great shaft lay \
still, and for the first time one could hear the river speak. The miller put down his cup, went \
to the door and listened for a while before he reached for his hat.
The damage was small and hidden well. A single peg of oak, no longer than a finger, had worn thin \
and slipped from its hole. While the carpenter cut a new one, the others sat on the wall in the \
sun and talked, which they had not done for years, since talking in the mill was done by hand.
In the afternoon the stampers began again. But the miller had made up his mind: from then on the \
mill would rest for one hour every day at noon. Travellers wondered at it. The paper, people said, \
became better, and if one holds a sheet of that time against the light, one sees in its corner a \
small sun with its eyes closed.
The sheets of those years are easy to know by touch as well. They are thick and a little rough, \
and they make a low sound when they are turned. Most went to the offices of the town, where they \
were filled with lists of grain and timber, and from there to the attic, where the mice had an \
opinion of their own about them.
What was left came to light when the roof was mended. Somebody opened a chest that had served as a \
bench, found it full of paper, and sat down on the floor to read. The lamp was lit and the soup \
grew cold, and that is how our own story begins.
""")

FRENCH_TITLE = "Le métier à tisser"
FRENCH = _paragraphs("""
Dans la grange, derrière la maison, dort un vieux métier à tisser. Son bois a pris la couleur du \
miel et ses cordes sont usées, mais il suffit d’un peu de cire et de patience pour qu’il chante de \
nouveau.
La première étoffe fut simple : une toile de lin, claire et régulière, large de quatre-vingts \
centimètres. Ensuite vint une couverture de laine où se mêlaient le bleu, le brun et le gris, \
comme la forêt en février.
À l’étage, nous avons trouvé des cahiers remplis de modèles. Chaque feuille porte un dessin, un \
échantillon collé avec soin et quelques mots sur la façon de nouer les fils. Où manque une page, \
une main a noté pourquoi.
Ces cahiers seront numérisés au cours de l’été, afin que tout le monde puisse les lire. Il reste à \
déchiffrer les taches d’encre, les ratures et, çà et là, la trace d’une tasse de café.
""")

GERMAN_TITLE = "Das Archiv der Muster"
GERMAN = _paragraphs("""
Im Obergeschoss der alten Weberei liegt ein Archiv, das lange niemand geöffnet hatte. In flachen \
Schubladen ruhen Stoffproben, Zeichnungen und Rechnungsbücher, sorgfältig nach Jahren geordnet.
Die ältesten Blätter sind auf handgeschöpftem Papier geschrieben. Trotz der vielen Jahre ist die \
Tinte gut lesbar; nur an den Rändern haben Feuchtigkeit und Mäuse ihre Spuren hinterlassen.
Wir möchten alle Seiten scannen und den Text durchsuchbar machen. Wer dann nach »Köper« oder \
»blauer Streifen« fragt, soll in wenigen Sekunden das richtige Blatt vor sich sehen.
Dafür brauchen wir Geduld, einen großen Tisch und ein Programm, das auch müde Buchstaben erkennt. \
Über jede Hilfe freuen wir uns, am liebsten an einem ruhigen Vormittag. Für Kaffee und Äpfel ist \
gesorgt, und der Weg von der Straße herauf ist beschildert.
""")

POLISH_TITLE = "Warsztat tkacki"
POLISH = _paragraphs("""
Na strychu starego domu stoi warsztat tkacki z jasnego drewna. Przez wiele lat nikt na nim nie \
pracował, lecz czółenka, grzebienie i nici leżą w szufladach tak, jakby ktoś odłożył je wczoraj.
Wiosną oczyściliśmy każdą część i naciągnęliśmy nową osnowę. Najpierw powstał wąski pas lnianego \
płótna, potem szeroki koc z wełny w niebieskie i żółte pasy. Dźwięk pracy słychać było aż w \
ogrodzie.
Obok krosna znaleźliśmy zeszyt z wzorami. Na każdej stronie jest rysunek, próbka materiału i \
krótka notatka o tym, ile przędzy potrzeba. Chcemy go zeskanować, żeby każdy mógł z niego \
skorzystać.
Kto chciałby się uczyć, może przyjść w środę po południu. Początkujący zaczynają od małej ramki, \
a po miesiącu siadają już przy dużym warsztacie.
""")

SWEDISH_TITLE = "Vävstugan vid sjön"
SWEDISH = _paragraphs("""
I den gamla skolan vid sjön finns en vävstuga som är öppen för alla. Där står sju vävstolar i \
ljust trä, och på hyllorna ligger garn i blått, rött och grönt från golv till tak.
Den som är ny börjar med ett smalt band. Efter några kvällar kan de flesta väva en enkel \
trasmatta, och då är det dags att lära sig läsa mönster. Det är inte så svårt som det ser ut.
I arkivet på övervåningen förvaras över tusen vävprover. Många är klistrade på tjockt papper med \
några rader text om år, material och bredd. Under våren ska alla blad fotograferas, så att de kan \
sökas från vilken dator som helst.
Kaffe kokas klockan tre. Ta gärna med egna bullar och en kudde, för bänkarna är hårda.
""")

CZECH_TITLE = "Papírna u řeky"
CZECH = _paragraphs("""
Za městem, kde se řeka stáčí k lesu, stojí stará papírna. Dnes se v ní papír vyrábí už jen ručně a \
každý arch je trochu jiný. Návštěvníci si mohou celý postup vyzkoušet.
Nejprve se staré lněné hadry namočí a rozemelou na jemnou kaši. Potom se síto ponoří do kádě, \
chvíli se s ním pohybuje ze strany na stranu a voda odteče. Zůstane tenká vrstva vláken, která se \
přiklopí na plst.
Listy se lisují, suší na šňůrách a nakonec hladí kamenem. Hotový papír je pevný, světlý a vydrží \
několik století. Proto jej rádi používají knihaři i archivy.
V dílně je příjemně chladno a voní tu mokré dřevo. Největší radost mívají děti, když si odnášejí \
první vlastní list.
""")

SPANISH_TITLE = "El taller de papel"
SPANISH = _paragraphs("""
Junto al río, detrás de los últimos árboles, hay un pequeño taller donde todavía se hace papel a \
mano. El agua llega fría y limpia de la montaña, y por eso las hojas salen tan claras.
Todo empieza con telas viejas de algodón y de lino. Se cortan, se dejan en agua durante una semana \
y se golpean hasta que solo quedan fibras. Después, con un molde de madera, la maestra levanta \
cada hoja en un solo movimiento. ¿Cuánto tarda en aprenderse? Unos diez años, dice ella, y sonríe.
En el piso de arriba se guardan las muestras: papel con flores, con hilos de lana, con la marca de \
agua de una cigüeña. Cada pliego lleva su número y una breve descripción.
Este otoño queremos digitalizar la colección, para que también puedan verla quienes viven lejos.
""")

CHINESE_TITLE = "紙與線的房間"
CHINESE = _paragraphs("""
這間小小的工作室位於河邊，每天早上九點開門。屋裡有三臺木製織布機，一張長桌，還有許多放滿線團的架子。
織布的時候，先把經線一根一根地拉直，再用梭子帶著緯線來回穿過。看起來簡單，其實需要耐心，也需要一雙安靜的手。
樓上是紙的房間。舊書、地圖和信件都放在這裡，溫度和濕度整年不變。去年我們掃描了一萬兩千頁，現在每個人都可以用文字找到想看的那一頁。
如果你想參觀，請在星期三或星期六過來。我們準備了熱茶，也歡迎孩子們親手做一張紙。
""")

JAPANESE_TITLE = "紙と糸の部屋"
JAPANESE = _paragraphs("""
川のそばに、小さな工房があります。毎朝九時に戸が開き、木の織機が静かに動き始めます。棚には青や赤の糸が並び、ガラス窓から入る光が布の上に落ちます。
織るときは、まず経糸をまっすぐに張ります。それから杼を使って、緯糸を左右に通していきます。急ぐと布がゆがむので、同じ力で打つことが大切です。
二階は紙の部屋です。古い本、地図、手紙などが保管されていて、一年を通して温度が変わりません。去年は一万二千枚をカメラで読み取り、今ではコンピュータを使って言葉で探すことができます。
見学は水曜日と土曜日です。温かいお茶を用意してお待ちしています。
""")

COLOUR_BANDS: list[tuple[tuple[int, int, int], str, str]] = [  # colour, large line, small line
    ((23, 78, 121), "Open Workshop Day", "Saturday in the old mill, from 10 to 5"),
    ((158, 42, 43), "Weave a Ribbon", "Small looms for children and beginners"),
    ((36, 96, 60), "Dye with Plants", "Woad, weld and madder from our garden"),
    ((92, 58, 116), "Make Your Own Paper", "One sheet takes ten minutes, drying a day"),
    ((140, 82, 20), "Soup and Bread", "In the courtyard, as long as there is some"),
]

SMALL_TITLE = "Notes for Borrowers"
SMALL = _paragraphs("""
Looms are lent for three months. They are heavy, so come with two people and a blanket, and \
measure your doors before you do. A table loom fits into a small car if the front seat \
is moved forward.
Check the reed for rust and the heddles for broken eyes when you take the loom, and tell us at \
once if something is missing. What was noted on the first day is nobody's fault on the last.
Yarn is not included. The shop sells linen, wool and cotton by weight, and takes back full cones \
that were never opened. Dyed yarn should be washed once before use, in cold water without soap.
Bring the loom back clean, with its bench, its raddle and the bag of spare parts. If you cannot \
come in time, a short message is enough: we know that the last metre always takes longer.
""")

PALETTE_TITLE = "Index Card 214"
PALETTE = _paragraphs("""
Twill, four shafts, straight draw. Warp of grey wool, weft of blue wool, 9 threads to the \
centimetre.
Found in the second drawer of the map case, together with a photograph of the weaver at her loom.
See also cards 215 and 380.
""")

GREY16_TITLE = "Water Marks"
GREY16 = _paragraphs("""
Hold the sheet against a window and count the lines of the mould. Twenty-five to the inch mean an \
early paper; forty a late one.
The mark itself sits in the right half: a crown, a fish, sometimes only a letter. Measure its \
height and its distance from the nearest line, and compare it with the tracings in the blue box.
""")

CMYK_TITLE = "Spinning Evening"
CMYK = _paragraphs("""
Every first Thursday of the month, from seven until the tea is gone. Bring your wheel or your \
spindle, or borrow one of ours.
This winter we read aloud while we work. The stories are short, and nobody minds if a thread \
breaks in the middle of one.
""")

package route

import (
	"strings"
	"sync"
)

// keyword numbers the words that the classifier acts upon; 0 is any other.
type keyword uint8

// keywordNames are in the order of the constants below; a test holds them together.
var keywordNames = strings.Fields(`
	abort all alter analyse analyze and as authorization begin binary call chain characteristics checkpoint close cluster
	comment commit committed copy create cross cursor deallocate declare delete discard distinct do drop end except
	execute explain fetch for from full global grant group having hold import in inner insert intersect into is isolation
	join key lateral left limit listen load local lock materialized merge move natural no not notify offset on only
	or order ordinality pgpool plans prepare prepared program read reassign recursive refresh reindex release repeatable
	replace reset revoke right role rollback rows savepoint security select sequence sequences serializable session set
	share show start stdin stdout system table tablesample temp temporary ties time to transaction true truncate uncommitted
	union unlisten unlogged update using vacuum values view where window with within work write zone`)

const (
	kwAbort keyword = iota + 1
	kwAll
	kwAlter
	kwAnalyse
	kwAnalyze
	kwAnd
	kwAs
	kwAuthorization
	kwBegin
	kwBinary
	kwCall
	kwChain
	kwCharacteristics
	kwCheckpoint
	kwClose
	kwCluster
	kwComment
	kwCommit
	kwCommitted
	kwCopy
	kwCreate
	kwCross
	kwCursor
	kwDeallocate
	kwDeclare
	kwDelete
	kwDiscard
	kwDistinct
	kwDo
	kwDrop
	kwEnd
	kwExcept
	kwExecute
	kwExplain
	kwFetch
	kwFor
	kwFrom
	kwFull
	kwGlobal
	kwGrant
	kwGroup
	kwHaving
	kwHold
	kwImport
	kwIn
	kwInner
	kwInsert
	kwIntersect
	kwInto
	kwIs
	kwIsolation
	kwJoin
	kwKey
	kwLateral
	kwLeft
	kwLimit
	kwListen
	kwLoad
	kwLocal
	kwLock
	kwMaterialized
	kwMerge
	kwMove
	kwNatural
	kwNo
	kwNot
	kwNotify
	kwOffset
	kwOn
	kwOnly
	kwOr
	kwOrder
	kwOrdinality
	kwPgpool
	kwPlans
	kwPrepare
	kwPrepared
	kwProgram
	kwRead
	kwReassign
	kwRecursive
	kwRefresh
	kwReindex
	kwRelease
	kwRepeatable
	kwReplace
	kwReset
	kwRevoke
	kwRight
	kwRole
	kwRollback
	kwRows
	kwSavepoint
	kwSecurity
	kwSelect
	kwSequence
	kwSequences
	kwSerializable
	kwSession
	kwSet
	kwShare
	kwShow
	kwStart
	kwStdin
	kwStdout
	kwSystem
	kwTable
	kwTablesample
	kwTemp
	kwTemporary
	kwTies
	kwTime
	kwTo
	kwTransaction
	kwTrue
	kwTruncate
	kwUncommitted
	kwUnion
	kwUnlisten
	kwUnlogged
	kwUpdate
	kwUsing
	kwVacuum
	kwValues
	kwView
	kwWhere
	kwWindow
	kwWith
	kwWithin
	kwWork
	kwWrite
	kwZone
	kwLast = kwZone
)

// reservedWords are those that pg_get_keywords() lists under R in any version from 14 to 18.
const reservedWords = `all analyse analyze and any array as asc asymmetric both case cast check collate column
	constraint create current_catalog current_date current_role current_time current_timestamp current_user default
	deferrable desc distinct do else end except false fetch for foreign from grant group having in initially intersect
	into lateral leading limit localtime localtimestamp not null offset on only or order placing primary references
	returning select session_user some symmetric table then to trailing true union unique user using variadic when
	where window with`

// columnWords are those under C in version 14 (and 15). The ones that came later (json_table, merge_action, ...) may be
// functions in earlier versions: they are in parenWords, where a catalog that has the name still speaks first.
const columnWords = `between bigint bit boolean char character coalesce dec decimal exists extract float greatest
	grouping inout int integer interval least national nchar none normalize nullif numeric out overlay position
	precision real row setof smallint substring time timestamp treat trim values varchar xmlattributes xmlconcat
	xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable`

// parenWords are other keywords that stand before '(' in a query without being a function.
const parenWords = `by columns cube escape filter first ilike join like materialized next operator over overlaps passing
	repeatable rollup second sets varying zone json json_array json_arrayagg json_exists json_object json_objectagg
	json_query json_scalar json_serialize json_table json_value merge_action`

// literalWords are unreserved keywords that stand before a literal without being its type.
const literalWords = `by content document escape ilike key like materialized passing path similar uescape value version without zone`

// keywords gives the names that every statement may contain, with or without a catalog. It is made once and never changed.
var keywords = sync.OnceValue(func() *names {
	n := new(names)
	addKeywords(n)
	return n
})

func addKeywords(n *names) {
	for i, w := range keywordNames {
		*n.entry(w) |= info(i+1) << wordShift
	}
	for _, w := range strings.Fields(reservedWords) {
		*n.entry(w) |= reserved
	}
	for _, w := range strings.Fields(columnWords) {
		*n.entry(w) |= columnName | parenOK
	}
	for _, w := range strings.Fields(literalWords) {
		*n.entry(w) |= literalOK
	}
	*n.entry("double") |= isType
	for _, w := range strings.Fields(parenWords) {
		*n.entry(w) |= parenOK
	}
}
